// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include "fixture.hpp"
#include "report.hpp"

namespace {

// Takes the value of an option if `arg` is that option.
bool take(std::string_view arg, std::string_view option, std::string& value) {
  if (!arg.starts_with(option))
    return false;
  value = arg.substr(option.size());
  return true;
}

int run(int argc, char** argv) {
  std::vector<char*> args;
  std::string filter = ".";
  std::string peer_file;
  std::string out_file;
  for (auto i = 0; i < argc; ++i) {
    if (take(argv[i], "--benchmark_filter=", filter)
        || take(argv[i], "--peer=", peer_file))
      continue;
    take(argv[i], "--benchmark_out=", out_file);
    args.push_back(argv[i]);
  }
  bench::measurements peer;
  if (!peer_file.empty())
    peer = bench::read_peer(peer_file);
  auto count = static_cast<int>(args.size());
  args.push_back(nullptr);
  benchmark::Initialize(&count, args.data());
  if (benchmark::ReportUnrecognizedArguments(count, args.data()))
    return 2;

  bench::select(filter);
  bench::add_lookup();
  bench::add_write();
  bench::add_dispatch();
  bench::add_lifecycle();
  bench::add_workers();
  bench::add_state();

  auto measured = peer;
  bench::collector collector{measured};
  bench::file_writer writer{peer};
  auto ran = benchmark::RunSpecifiedBenchmarks(
    &collector, out_file.empty() ? nullptr : &writer);
  bench::finish();
  benchmark::Shutdown();
  if (ran == 0) {
    std::fprintf(stderr, "no benchmark has such a name\n");
    return 1;
  }
  bench::print_table(measured);
  return collector.failed() ? 1 : 0;
}

} // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& ex) {
    std::fprintf(stderr, "%s\n", ex.what());
    return 1;
  }
}
