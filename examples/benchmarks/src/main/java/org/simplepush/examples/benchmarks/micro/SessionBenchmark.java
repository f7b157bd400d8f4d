package org.simplepush.examples.benchmarks.micro;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
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
import org.simplepush.core.CloseCode;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.core.MessageCodec;
import org.simplepush.core.ServerMessage;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.VersionStore;
import org.simplepush.server.internal.Counters;
import org.simplepush.server.internal.EndpointTokens;
import org.simplepush.server.internal.FailureLog;
import org.simplepush.server.internal.MemoryAccount;
import org.simplepush.server.internal.net.TextFrame;
import org.simplepush.server.internal.session.Acknowledgements;
import org.simplepush.server.internal.session.Channels;
import org.simplepush.server.internal.session.Conversation;
import org.simplepush.server.internal.session.Conversations;
import org.simplepush.server.internal.session.CreationLimits;
import org.simplepush.server.internal.session.Greeter;
import org.simplepush.server.internal.session.ServerSettings;
import org.simplepush.server.internal.session.SessionRegistry;
import org.simplepush.server.internal.session.Sleepers;
import org.simplepush.server.internal.session.Wire;

/** What a session does between the store, the registry and the bytes of a frame; no socket. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class SessionBenchmark {
  private static final Uaid UAID = Uaid.random();
  private static final ChannelId CHANNEL = ChannelId.random();
  private static final int MAX_CHANNELS = 1000;

  private final MessageCodec codec = new MessageCodec();
  private final Counters counters =
      new Counters(new MemoryAccount(1 << 20), new FailureLog(null, System::nanoTime));
  private final VersionStore store = new InMemoryVersionStore();
  private final Sleepers sleepers = new Sleepers(null, new Nobody(), System::nanoTime, counters);
  private final SessionRegistry registry =
      new SessionRegistry(store, sleepers, System::nanoTime, counters);
  private final Conversations conversations =
      new Conversations(
          new ServerSettings(
              Duration.ofSeconds(30),
              Duration.ZERO,
              Duration.ofSeconds(60),
              Duration.ofMinutes(35),
              Duration.ofDays(7),
              MAX_CHANNELS,
              MessageCodec.DEFAULT_MAX_MESSAGE_LENGTH),
          codec,
          new Greeter(
              registry,
              sleepers,
              new Channels(
                  MAX_CHANNELS,
                  new CreationLimits(
                      store,
                      CreationLimits.UNLIMITED,
                      Integer.MAX_VALUE,
                      Integer.MAX_VALUE,
                      System::nanoTime),
                  new EndpointTokens(List.of(EndpointTokens.randomKey())),
                  URI.create("https://push.example.org")),
              new Acknowledgements(store, counters, null)),
          counters);

  private final String hello = codec.write(new ClientMessage.Hello(UAID, List.of()));
  private final String otherHello =
      codec.write(new ClientMessage.Hello(Uaid.random(), List.of(CHANNEL)));
  private final String register = codec.write(new ClientMessage.Register(CHANNEL));

  /** Acknowledges whatever was sent. */
  private final String ack =
      codec.write(new ClientMessage.Ack(List.of(new Update(CHANNEL, Long.MAX_VALUE))));

  private final FakeWire wire = connect(hello);
  private long version;

  /** Runs everything at once, and forgets the bytes. */
  private final class FakeWire implements Wire {
    private final TextFrame frame = new TextFrame();
    private final Conversation conversation = conversations.begin(this);
    private long written;

    @Override
    public void send(ServerMessage message) {
      try {
        codec.write(message, frame.begin());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      written += frame.end().remaining();
    }

    @Override
    public void ping(long payload, @Nullable ServerMessage behind) {
      throw new IllegalStateException("This store is not shared");
    }

    @Override
    public boolean isWritable() {
      return true;
    }

    @Override
    public boolean isAsked() {
      return false;
    }

    @Override
    public void close(CloseCode code, String reason) {
      throw new IllegalStateException("The session was closed: " + code + ", " + reason);
    }

    @Override
    public void startTimer(Wire.Timer timer, long delayNanos) {}

    @Override
    public void flushSoon() {
      conversation.flush();
    }

    @Override
    public long now() {
      return System.nanoTime();
    }

    @Override
    public void execute(Runnable task) {
      task.run();
    }

    @Override
    public void executeInline(Runnable task) {
      task.run();
    }

    @Override
    public boolean isCurrent() {
      return true;
    }

    @Override
    public long address() {
      return 0;
    }
  }

  /** No device sleeps. */
  private static final class Nobody implements Sleepers.Waker {
    @Override
    public void send(InetSocketAddress to) {}

    @Override
    public void schedule(long delayNanos, Runnable task) {}
  }

  private FakeWire connect(String hello) {
    FakeWire connected = new FakeWire();
    connected.conversation.onMessage(hello, connected.now());
    connected.conversation.onMessage(register, connected.now());
    return connected;
  }

  /** A version raised, handed to the session, sent and acknowledged. */
  @Benchmark
  public long notification() {
    store.advance(UAID, CHANNEL, ++version).toCompletableFuture().join();
    registry.deliverInline(UAID, new Update(CHANNEL, version));
    wire.conversation.onMessage(ack, wire.now());
    return wire.written;
  }

  /** A ping: answered, and compared with the store. */
  @Benchmark
  public long ping() {
    wire.conversation.onMessage("{}", wire.now());
    return wire.written;
  }

  /** A connection that says hello, registers and ends; the store knows both. */
  @Benchmark
  public long helloAndRegister() {
    FakeWire other = connect(otherHello);
    other.conversation.onClosed();
    return other.written;
  }
}
