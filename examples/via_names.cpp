// Names instead of handles: a worker that crashes comes back under its name,
// and who talks to the name does not notice.

#include <cstdio>
#include <string>
#include <thread>

#include <caf/all.hpp>

#include <cafreg/format.hpp>
#include <cafreg/unique_registry.hpp>

using namespace std::literals;
using names_ref = cafreg::unique_registry_ref<std::string, int>;

// Divides 100 by what it is sent; sent 0, it dies.
caf::behavior divider(caf::event_based_actor* self) {
  return {[self](int x) -> caf::result<int> {
    if (x != 0)
      return 100 / x;
    self->quit(caf::exit_reason::kill);
    return caf::make_error(caf::sec::invalid_argument);
  }};
}

// Starts the divider again whenever its name becomes free.
caf::behavior supervisor(caf::event_based_actor*, names_ref names) {
  return {[names, starts = 0](const cafreg::name_state& now) mutable {
    if (!now.holder() && names.spawn_as("divider", ++starts, divider))
      fmt::print("started divider, incarnation {}\n", starts);
  }};
}

int main() {
  caf::actor_system_config cfg;
  cafreg::prepare(cfg);
  caf::actor_system sys{cfg};
  cafreg::unique_registry<std::string, int> names{sys, {.name = "workers"}};
  auto boss = sys.spawn(supervisor, names.ref());
  if (auto watching = names.watch("divider", boss); !watching) {
    fmt::print(stderr, "{}\n", watching.error());
    return 1;
  }
  caf::scoped_actor self{sys};
  for (int x : {4, 0, 5, 0, 10}) {
    auto worker = names.await("divider", 5s); // until it is back
    if (!worker) {
      fmt::print(stderr, "{}\n", worker.error());
      return 1;
    }
    names.via("divider")
      .request(self.ptr(), 5s, x)
      .receive([&](int y) { fmt::print("100 / {} = {}\n", x, y); },
               [&](const caf::error& err) {
                 fmt::print("100 / {}: {}\n", x, err);
                 // A dying actor has its name until it has terminated.
                 auto dying = [&] {
                   auto holder = names.whereis("divider");
                   return x == 0 && holder && *holder == worker->handle();
                 };
                 while (dying())
                   std::this_thread::yield();
               });
  }
}
