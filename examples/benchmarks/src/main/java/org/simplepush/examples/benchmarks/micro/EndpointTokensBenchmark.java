package org.simplepush.examples.benchmarks.micro;

import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.simplepush.core.ChannelId;
import org.simplepush.core.Uaid;
import org.simplepush.server.internal.EndpointTokens;

/** A token sealed for each register, and opened for each PUT. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class EndpointTokensBenchmark {
  private final EndpointTokens tokens = new EndpointTokens(List.of(EndpointTokens.randomKey()));
  private final Uaid uaid = Uaid.random();
  private final ChannelId channel = ChannelId.random();
  private final String token = tokens.seal(uaid, channel);

  /** Both ids into a token. */
  @Benchmark
  public String seal() {
    return tokens.seal(uaid, channel);
  }

  /** A token that was issued. */
  @Benchmark
  public Object open() {
    EndpointTokens.Channel opened = tokens.open(token);
    if (opened == null) {
      throw new IllegalStateException("A token that was just sealed must open");
    }
    return opened;
  }
}
