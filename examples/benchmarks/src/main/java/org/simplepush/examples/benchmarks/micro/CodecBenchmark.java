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
import org.simplepush.core.ClientMessage;
import org.simplepush.core.MalformedMessageException;
import org.simplepush.core.MessageCodec;
import org.simplepush.core.ServerMessage;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;

/** The messages that a server reads and writes most. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class CodecBenchmark {
  private final MessageCodec codec = new MessageCodec();
  private final List<Update> updates = List.of(new Update(ChannelId.random(), 1_700_000_000_000L));
  private final ServerMessage notification = new ServerMessage.Notification(updates);
  private final ServerMessage helloReply = new ServerMessage.Hello(Uaid.random());
  private final String ack = codec.write(new ClientMessage.Ack(updates));
  private final String register = codec.write(new ClientMessage.Register(ChannelId.random()));
  private final String hello =
      codec.write(new ClientMessage.Hello(Uaid.random(), List.of(ChannelId.random())));

  /** An ack of one update. */
  @Benchmark
  public ClientMessage readAck() throws MalformedMessageException {
    return codec.readClientMessage(ack);
  }

  /** A hello with one channel. */
  @Benchmark
  public ClientMessage readHello() throws MalformedMessageException {
    return codec.readClientMessage(hello);
  }

  /** A register. */
  @Benchmark
  public ClientMessage readRegister() throws MalformedMessageException {
    return codec.readClientMessage(register);
  }

  /** A notification of one update. */
  @Benchmark
  public String writeNotification() {
    return codec.write(notification);
  }

  /** A hello reply. */
  @Benchmark
  public String writeHello() {
    return codec.write(helloReply);
  }
}
