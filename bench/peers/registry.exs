# This file is part of cafreg, process registries for the C++ Actor Framework.
# Distributed under the terms of the BSD 3-Clause License, see LICENSE.

# The workloads of our benchmarks, for Elixir's Registry. Usage:
#
#   elixir registry.exs
#
# Prints one line of JSON for each: its name and the median of operations in a
# second, over all processes together.
#
# - lookup: 100,000 keys "user:<n>", each registered by a process of its own,
#   looked up in random order.
# - register_unregister: pairs of them for such keys, beside a full registry.
#   In Elixir a process can register only itself. So one process works on one
#   key after the other and holds one at a time, which is the best case for
#   this registry: unregistering takes time linear in the keys a process holds.
# - mass_death: 100,000 processes with a key each get a message that ends them;
#   until the registry is empty.

defmodule Bench do
  @keys 100_000
  @rounds 5

  def run do
    {:ok, _} =
      Registry.start_link(keys: :unique, name: Full, partitions: 2)

    holders = for n <- 1..@keys, do: holder(Full, "user:#{n}")
    await_ready(holders)

    :rand.seed(:exsss, 1)
    present = for _ <- 1..2, do: shuffled("user:")
    fresh = for _ <- 1..2, do: shuffled("other:")

    for threads <- [1, 2] do
      lookup = fn key -> [{_, 1}] = Registry.lookup(Full, key) end
      measure("lookup", threads, present, @keys, lookup)
    end

    for threads <- [1, 2] do
      pair = fn key ->
        {:ok, _} = Registry.register(Full, key, 1)
        :ok = Registry.unregister(Full, key)
      end

      # All keys for one process; for several, to each its share.
      share = div(@keys, threads)

      keys =
        for thread <- 0..(threads - 1) do
          fresh |> hd() |> Enum.slice(thread * share, share)
        end

      measure("register_unregister", threads, keys, share, pair)
    end

    rates = for _ <- 1..@rounds, do: mass_death()
    print("mass_death:#{@keys}", rates)
  end

  defp measure(name, threads, keys, count, fun) do
    keys = Enum.take(keys, threads)
    round(keys, fun)

    rates =
      for _ <- 1..@rounds do
        threads * count / round(keys, fun)
      end

    print("#{name}/threads:#{threads}", rates)
  end

  # Returns the seconds from the first start to the last end.
  defp round(keys, fun) do
    parent = self()

    workers =
      for list <- keys do
        spawn_link(fn ->
          send(parent, {:ready, self()})

          receive do
            :go -> Enum.each(list, fun)
          end

          send(parent, {:done, self()})
        end)
      end

    await_ready(workers)
    begin = now()
    for worker <- workers, do: send(worker, :go)

    for worker <- workers do
      receive do
        {:done, ^worker} -> :ok
      end
    end

    now() - begin
  end

  defp mass_death do
    {:ok, registry} =
      Registry.start_link(keys: :unique, name: Dying, partitions: 2)

    holders = for n <- 1..@keys, do: holder(Dying, "user:#{n}")
    await_ready(holders)
    begin = now()
    for holder <- holders, do: send(holder, :stop)
    await_empty()
    seconds = now() - begin
    Supervisor.stop(registry)
    @keys / seconds
  end

  defp await_empty do
    if Registry.count(Dying) > 0 do
      # A millisecond of 2,000; and the core for those who clean up.
      Process.sleep(1)
      await_empty()
    end
  end

  defp holder(registry, key) do
    parent = self()

    spawn(fn ->
      {:ok, _} = Registry.register(registry, key, 1)
      send(parent, {:ready, self()})

      receive do
        :stop -> :ok
      end
    end)
  end

  # In any order: a selective receive would search the whole mailbox.
  defp await_ready(processes) do
    for _ <- processes do
      receive do
        {:ready, _} -> :ok
      end
    end
  end

  defp shuffled(prefix) do
    Enum.shuffle(for n <- 1..@keys, do: "#{prefix}#{n}")
  end

  defp now, do: System.monotonic_time(:nanosecond) / 1.0e9

  defp print(name, rates) do
    median = rates |> Enum.sort() |> Enum.at(div(length(rates), 2))

    IO.puts(
      ~s({"name": "elixir/#{name}", "items_per_second": #{Float.round(median, 1)}})
    )
  end
end

Bench.run()
