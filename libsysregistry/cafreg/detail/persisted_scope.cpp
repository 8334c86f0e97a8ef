// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/persisted_scope.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "cafreg/detail/state_file.hpp"
#include "cafreg/detail/sys_core.hpp"
#include "cafreg/errc.hpp"

namespace cafreg::detail {

namespace {

std::string identity_of(const std::filesystem::path& file) {
  std::error_code failed;
  auto result = std::filesystem::weakly_canonical(file, failed);
  return failed ? file.string() : result.string();
}

// Equal trees give their leaves in the same order.
bool same_leaves(const state_leaves& xs, const state_leaves& ys) {
  return std::equal(xs.begin(), xs.end(), ys.begin(), ys.end(),
                    [](const auto& x, const auto& y) {
                      return x.first == y.first
                             && same_value(x.second, y.second);
                    });
}

} // namespace

persisted_scope::persisted_scope(const std::shared_ptr<sys_core>& core,
                                 path scope, std::filesystem::path file)
  : core_(core),
    registry_(*core->name()),
    scope_(std::move(scope)),
    file_(file.string()),
    identity_(identity_of(file)) {
  // nop
}

persisted_scope::~persisted_scope() {
  release();
}

caf::error persisted_scope::claim() {
  std::error_code failed;
  auto directory = std::filesystem::path{file_}.parent_path();
  if (!directory.empty() && !std::filesystem::is_directory(directory, failed))
    return bad_file("file " + file_ + ": there is no directory for it"
                    + (failed ? ": " + failed.message() : ""));
  auto core = core_.lock();
  if (core && !core->claim_file(identity_))
    return bad_file("file " + file_
                    + ": it holds another part of this registry");
  std::lock_guard guard{mutex_};
  claimed_ = true;
  return {};
}

void persisted_scope::release() noexcept {
  {
    std::lock_guard guard{mutex_};
    if (!std::exchange(claimed_, false))
      return;
  }
  if (auto core = core_.lock())
    core->release_file(identity_);
}

caf::error persisted_scope::load() {
  auto core = core_.lock();
  auto found = load_state(file_);
  if (!found)
    return refuse(cafreg::to_text(found.error()));
  if (!*found)
    return {};
  std::vector<leaf_entry> leaves;
  for (auto& [where, value] : **found) {
    if (!scope_.contains(where))
      return refuse("file " + file_ + ": it holds " + to_string(where)
                    + ", which is not below " + to_string(scope_));
    leaves.push_back({where, std::move(value)});
  }
  auto restored = core->restore(std::move(leaves));
  if (!restored)
    return std::move(restored.error());
  restored_ = restored->count;
  if (!restored->impossible.empty())
    return refuse("file " + file_ + ": "
                  + std::to_string(restored->impossible.size())
                  + " of its leaves cannot be restored, "
                  + to_string(restored->impossible.front()) + " among them");
  return {};
}

caf::error persisted_scope::refuse(const std::string& why) {
  // A directory, say, is not ours to move.
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file_, ignored))
    return bad_file(why);
  auto aside = keep_aside(file_);
  if (!aside)
    return bad_file(cafreg::to_text(aside.error()));
  load_error_ = bad_file(why + "; kept aside as " + *aside);
  return {};
}

caf::error persisted_scope::bad_file(const std::string& why) const {
  return make_error(errc::bad_file, registry_, {}, why);
}

caf::error persisted_scope::save(const snapshot& state) {
  std::lock_guard guard{mutex_};
  return save_locked(state);
}

void persisted_scope::finish(const snapshot& last) {
  {
    std::lock_guard guard{mutex_};
    // Nobody is left to be told of an error.
    static_cast<void>(save_locked(last));
    stopped_ = true;
  }
  stop();
}

caf::error persisted_scope::save_locked(const snapshot& state) {
  auto core = core_.lock();
  if (!core || stopped_ || (written_ && version_ > state.version()))
    return {};
  state_leaves leaves;
  leaves.reserve(state.size());
  state.tree().for_each({}, [&](const std::vector<std::string>& keys,
                                const config_tree::leaf& x) {
    path where{keys};
    if (auto* value = core->lasting_value(where, x.content))
      leaves.emplace_back(std::move(where), *value);
  });
  if (written_ && same_leaves(*written_, leaves))
    return {};
  auto result = save_state(file_, leaves);
  if (failed(result))
    result = bad_file(cafreg::to_text(result));
  else
    written_ = std::move(leaves);
  version_ = state.version();
  {
    std::lock_guard error_guard{error_mutex_};
    write_error_ = result;
  }
  core->count_write(!failed(result));
  return result;
}

caf::error persisted_scope::save() {
  auto core = core_.lock();
  if (!core || core->closed())
    return make_error(errc::closed, registry_, {}, "the registry is closed");
  auto state = core->look().restricted_to(scope_);
  if (core->closed()) // then it may be empty
    return make_error(errc::closed, registry_, {}, "the registry is closed");
  return save(state);
}

void persisted_scope::stop() {
  std::optional<state_leaves> written; // destroyed without the lock
  weak_actor writer;
  subscription source;
  {
    std::lock_guard guard{mutex_};
    stopped_ = true;
    written.swap(written_);
    std::swap(writer, writer_);
    std::swap(source, source_);
  }
  source.cancel();
  release();
  if (auto core = core_.lock())
    core->off_close(this);
  // It has a thread, and might wait for long to try again: the system would
  // wait for both.
  if (auto who = writer.lock())
    kill(who.get());
}

void persisted_scope::attach(const caf::strong_actor_ptr& writer,
                             subscription source) {
  std::lock_guard guard{mutex_};
  source_ = std::move(source);
  writer_ = caf::actor_cast<weak_actor>(writer);
}

caf::error persisted_scope::write_error() const {
  std::lock_guard guard{error_mutex_};
  return write_error_;
}

} // namespace cafreg::detail
