package org.simplepush.examples.benchmarks.micro;

import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.simplepush.core.ChannelId;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.VersionStore;
import org.simplepush.core.VersionStore.Advance;

/** The steps of the store in memory that every update takes, and every ping. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class StoreBenchmark {
  /** How many channels the user agent has. */
  @Param({"1", "200"})
  public int channels;

  private final VersionStore store = new InMemoryVersionStore();
  private final Uaid uaid = Uaid.random();
  private final ChannelId channel = ChannelId.random();
  private long version;

  /** Registers the channels. */
  @Setup
  public void register() {
    store.hello(uaid, List.of()).toCompletableFuture().join();
    for (int i = 1; i < channels; i++) {
      store.register(uaid, ChannelId.random(), channels).toCompletableFuture().join();
    }
    store.register(uaid, channel, channels).toCompletableFuture().join();
  }

  /** A version that is news. */
  @Benchmark
  public CompletionStage<Advance> advance() {
    return store.advance(uaid, channel, ++version);
  }

  /** A version that is not. */
  @Benchmark
  public CompletionStage<Advance> stale() {
    return store.advance(uaid, channel, 0);
  }

  /** A version published and acknowledged. */
  @Benchmark
  public CompletionStage<List<Update>> advanceAndAcknowledge() {
    store.advance(uaid, channel, ++version).toCompletableFuture().join();
    return store.acknowledge(uaid, List.of(new Update(channel, version)));
  }

  /** What is asked at each ping, with nothing pending: all channels are looked at. */
  @Benchmark
  public Object pending() {
    return store.pending(uaid).toCompletableFuture().join();
  }
}
