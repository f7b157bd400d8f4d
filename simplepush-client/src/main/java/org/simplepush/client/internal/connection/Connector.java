package org.simplepush.client.internal.connection;

import java.net.URI;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.simplepush.client.internal.Quote;
import org.simplepush.client.internal.Settings;
import org.simplepush.client.internal.run.Loop;
import org.simplepush.core.ClientMessage;
import org.simplepush.core.CloseCode;
import org.simplepush.core.MalformedMessageException;
import org.simplepush.core.MessageCodec;
import org.simplepush.core.ServerMessage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps one connection to the push server: opens it, says hello, finds out when it is dead, and
 * tries again after a while. Confined to the loop.
 */
public final class Connector implements Attempt.Owner {
  private static final Logger log = LoggerFactory.getLogger(Connector.class);

  /** The close code of a connection that ended without a close frame (RFC 6455, 7.4.1). */
  static final int NO_CLOSE_FRAME = 1006;

  /** How many redirects in a row are followed before the device takes a break. */
  static final int MAX_REDIRECTS = 5;

  /**
   * After how many failures the break is as long as when the server asked for patience, or when
   * coming back at once would only repeat what went wrong.
   */
  static final int PATIENT = 5;

  /** Servers close a connection that pings more often (protocol §6). */
  static final Duration MIN_PING_INTERVAL = Duration.ofSeconds(20);

  /** Says hello, and hears what the server says. */
  public interface Owner {
    /** Returns what to say first. */
    ClientMessage.Hello hello();

    /**
     * The server has accepted the hello.
     *
     * @return whether it still knows this device
     */
    boolean connected(ServerMessage.Hello hello);

    /** The server said something after that. */
    void received(ServerMessage message);

    /** A connection or an attempt has failed; the next attempt is scheduled. */
    void disconnected(Disconnected event);

    /** The server has closed the connection and will send a datagram; or the next comes then. */
    void sleeping(Duration atMost);
  }

  private enum State {
    /** Not wanted: before start and after stop. */
    STOPPED,
    /** Waiting for the next attempt. */
    WAITING,
    /** The WebSocket is being opened. */
    CONNECTING,
    /** The hello is sent and not answered. */
    GREETING,
    /** The hello was accepted. */
    OPEN,
    /** Waiting for a datagram, or for a reason of our own (protocol §9). */
    SLEEPING
  }

  private final Settings settings;
  private final Loop loop;
  private final Transport transport;
  private final RandomGenerator random;
  private final KeepAlive keepAlive;
  private final Owner owner;
  private final MessageCodec codec;

  private State state = State.STOPPED;
  private @Nullable Attempt attempt;

  /** Attempts in a row that failed. */
  private int failures;

  /** The same, or more after a failure that asks for patience: how long the next break is. */
  private int patience;

  /** Connections in a row that were given up because of what the server sent, or of a failure. */
  private int offences;

  /** The loop's time when the last hello was accepted. */
  private long lastGreeted;

  private int redirects;
  private long lastHeard;

  /** When the last ping was sent on the current connection; null before. */
  private @Nullable Long lastPing;

  /** The silence that may have broken the last connection. */
  private @Nullable Duration suspect;

  private final WakeLimit wakeLimit = new WakeLimit();

  /** What the last hello said about waking this device; null if the server cannot wake it. */
  private Transport.@Nullable Doorbell doorbell;

  /** Whether the server will wake this device. */
  private boolean mayBeWoken;

  /** Whether a datagram has shortened the current sleep. */
  private boolean waking;

  /** Whether the loop has not seen the last datagram yet; more of them mean the same. */
  private final AtomicBoolean rung = new AtomicBoolean();

  /** The one deadline or delay that the current state is subject to; in OPEN, the keep-alive. */
  private Loop.@Nullable Timer timer;

  public Connector(
      Settings settings,
      Loop loop,
      Transport transport,
      RandomGenerator random,
      KeepAlive keepAlive,
      Owner owner) {
    this.keepAlive = keepAlive;
    this.settings = settings;
    this.loop = loop;
    this.transport = transport;
    this.random = random;
    this.owner = owner;
    this.codec = new MessageCodec(settings.maxMessageLength());
  }

  public void start() {
    loop.assertCurrent();
    connect(settings.server());
  }

  public boolean isOpen() {
    loop.assertCurrent();
    return state == State.OPEN;
  }

  /** Whether there is a connection, or the server waits for the device to wake up. */
  public boolean isReachable() {
    loop.assertCurrent();
    return state == State.OPEN || state == State.SLEEPING;
  }

  /** Returns the loop's time when the server was last heard. */
  public long lastHeard() {
    loop.assertCurrent();
    return lastHeard;
  }

  /** Sends a message on the open connection; returns false if there is none. Ends sleep. */
  public boolean send(ClientMessage message) {
    loop.assertCurrent();
    if (state == State.SLEEPING) {
      connect(settings.server());
    }
    return state == State.OPEN && write(message);
  }

  private boolean write(ClientMessage message) {
    Attempt current = attempt;
    if (current == null || !current.send(codec.write(message))) {
      // The transport reports the end of the connection, but not a full queue.
      return false;
    }
    return true;
  }

  /** Gives a silent connection up and opens another one. */
  public void reconnect(String reason) {
    loop.assertCurrent();
    if (state == State.OPEN) {
      lose(NO_CLOSE_FRAME, reason, 0);
    }
  }

  /**
   * The device has another address, or came out of a tunnel: an attempt that waits is made now, one
   * that is under way is made again, and an open connection is pinged.
   */
  public void networkChanged(String network) {
    loop.assertCurrent();
    keepAlive.network(network);
    suspect = null; // it was not the silence then
    switch (state) {
      case STOPPED -> {}
      case WAITING, SLEEPING -> connect(settings.server());
      case CONNECTING, GREETING -> {
        Attempt last = attempt;
        connect(settings.server());
        if (last != null) {
          last.abort();
        }
      }
      case OPEN -> probe();
    }
  }

  /** Closes the connection, if there is one, and stays away; {@code done} runs when it is gone. */
  public void stop(Runnable done) {
    loop.assertCurrent();
    Attempt last = attempt;
    boolean polite = state == State.OPEN || state == State.GREETING;
    enter(State.STOPPED);
    attempt = null;
    transport.listenNoMore();
    if (last == null) {
      done.run();
    } else if (polite) {
      last.close(CloseCode.NORMAL.code(), "", done);
    } else {
      last.abort();
      done.run();
    }
  }

  private void enter(State next) {
    state = next;
    if (timer != null) {
      timer.cancel();
      timer = null;
    }
  }

  private void connect(URI target) {
    enter(State.CONNECTING);
    Attempt next = new Attempt(loop, this);
    attempt = next;
    timer =
        loop.schedule(
            settings.requestTimeout(),
            () -> lose(NO_CLOSE_FRAME, "the connection did not open in time", 0));
    try {
      next.begin(transport, target);
    } catch (IllegalArgumentException e) { // java.net.URI takes addresses that OkHttp does not
      next.failed("the address cannot be used: " + Quote.of(String.valueOf(e.getMessage())), null);
    } catch (RuntimeException | Error e) { // no further thread, or no memory for one
      next.failed("it could not be begun: " + Quote.message(e.toString()), e);
    }
  }

  @Override
  public void opened(Attempt from) {
    if (from != attempt || state != State.CONNECTING) {
      return;
    }
    enter(State.GREETING);
    write(hello());
    timer =
        loop.schedule(
            settings.requestTimeout(),
            () -> lose(NO_CLOSE_FRAME, "the server did not answer the hello in time", 0));
  }

  private ClientMessage.Hello hello() {
    ClientMessage.Hello hello = owner.hello();
    doorbell = transport.listen(this::rung);
    return doorbell == null
        ? hello
        : new ClientMessage.Hello(
            hello.uaid(), hello.channelIds(), doorbell.address(), doorbell.mobileNetwork());
  }

  @Override
  public void received(Attempt from, String text) {
    if (from == attempt && state != State.CONNECTING) {
      received(text);
    }
  }

  @Override
  public void receivedBinary(Attempt from) {
    if (from == attempt) {
      giveUp(
          CloseCode.UNSUPPORTED_DATA.code(),
          "the server sent a binary message, and this protocol has none",
          null);
    }
  }

  @Override
  public void violated(Attempt from, String reason, @Nullable Throwable cause) {
    if (from == attempt) {
      giveUp(NO_CLOSE_FRAME, reason, cause);
    }
  }

  private void received(String text) {
    lastHeard = loop.nanoTime();
    ServerMessage message;
    try {
      message = codec.readServerMessage(text);
    } catch (MalformedMessageException e) {
      switch (e.severity()) {
        case NOT_A_MESSAGE -> {
          CloseCode code =
              text.length() > settings.maxMessageLength()
                  ? CloseCode.TOO_BIG
                  : CloseCode.PROTOCOL_ERROR;
          giveUp(code.code(), "the server is not understood: " + e.getMessage(), null);
        }
        case UNKNOWN_TYPE -> log.debug("The server said something of another protocol", e);
        case BAD_CONTENT, UNANSWERED -> understood(e.toFailure());
      }
      return;
    }
    understood(message);
  }

  private void understood(ServerMessage message) {
    if (state == State.OPEN) {
      if (message.type() == ServerMessage.Type.REDIRECT) {
        log.debug("A redirect that answers no hello is ignored");
      } else if (message.type() != ServerMessage.Type.PING) {
        if (message.type() == ServerMessage.Type.NOTIFICATION) {
          wakeLimit.news();
        }
        owner.received(message);
      }
      return;
    }
    switch (message.type()) {
      case HELLO -> greeted((ServerMessage.Hello) message);
      case REDIRECT -> redirected(((ServerMessage.Redirect) message).target());
      case FAILURE -> refused((ServerMessage.Failure) message);
      default -> log.debug("A {} before the answer to hello is ignored", message.type());
    }
  }

  private void greeted(ServerMessage.Hello hello) {
    failures = 0;
    redirects = 0;
    lastGreeted = loop.nanoTime();
    mayBeWoken = hello.wakeUp() && doorbell != null;
    if (!mayBeWoken) {
      transport.listenNoMore();
    }
    wakeLimit.greeted();
    enter(State.OPEN);
    lastPing = null;
    if (suspect != null) {
      keepAlive.broke(suspect);
      suspect = null;
    }
    keepAlive();
    if (owner.connected(hello)) {
      patience = 0; // a server that forgets the device each time is not to make it start over often
    }
  }

  private void redirected(URI target) {
    if (++redirects > MAX_REDIRECTS) {
      lose(CloseCode.NORMAL.code(), "the server redirects in circles", PATIENT);
      return;
    }
    try {
      settings.checkRedirect(target);
    } catch (IllegalArgumentException e) {
      lose(CloseCode.NORMAL.code(), "a redirect cannot be followed: " + e.getMessage(), PATIENT);
      return;
    }
    Attempt last = attempt;
    if (last != null) {
      last.close(CloseCode.NORMAL.code(), "redirected");
    }
    log.debug("The server redirects this device to {}", Quote.of(target.toString()));
    connect(target);
  }

  private void refused(ServerMessage.Failure failure) {
    String of = failure.messageType();
    if (of != null && !of.equalsIgnoreCase("hello")) {
      log.debug("A failed {} before the answer to hello is ignored", Quote.of(of));
      return;
    }
    lose(
        CloseCode.NORMAL.code(),
        "the server refused the hello with " + failure.status() + ": " + Quote.of(failure.error()),
        failure.status() == ServerMessage.Failure.TOO_MANY ? PATIENT : 0);
  }

  /** The timer is not set at each message: when it is due, it looks how long the silence is. */
  private void keepAlive() {
    Duration left = keepAlive.interval().minus(silence());
    if (left.isNegative() || left.isZero()) {
      ping();
    } else {
      timer = loop.schedule(left, this::keepAlive);
    }
  }

  private Duration silence() {
    return Duration.ofNanos(loop.nanoTime() - lastHeard);
  }

  /** Pings now, or as soon as servers allow it (protocol §6). */
  private void probe() {
    if (isPingUnanswered()) {
      return;
    }
    enter(State.OPEN);
    Duration left =
        lastPing == null ? Duration.ZERO : MIN_PING_INTERVAL.minusNanos(loop.nanoTime() - lastPing);
    if (left.isNegative() || left.isZero()) {
      ping();
    } else {
      timer = loop.schedule(left, this::ping);
    }
  }

  private void ping() {
    Duration silence = silence();
    lastPing = loop.nanoTime();
    write(new ClientMessage.Ping());
    timer = loop.schedule(settings.requestTimeout(), () -> checkAnswered(silence));
  }

  private boolean isPingUnanswered() {
    return lastPing != null && lastHeard - lastPing < 0;
  }

  private void checkAnswered(Duration silence) {
    if (isPingUnanswered()) {
      suspect = silence;
      lose(NO_CLOSE_FRAME, "the server did not answer a ping in time", 0);
      return;
    }
    keepAlive.held(silence);
    keepAlive();
  }

  /**
   * Leaves the current connection and schedules the next attempt.
   *
   * @param closeCode what to tell the server; {@link #NO_CLOSE_FRAME}: nothing, it does not listen
   * @param atLeast as many failures are assumed for the length of the break
   */
  private void lose(int closeCode, String reason, int atLeast) {
    lose(closeCode, reason, atLeast, null);
  }

  /**
   * Leaves the current connection because of what the server sent, or of a failure here. Coming
   * back soon would only repeat that, so each time the break is longer, until a connection has
   * lasted longer than any break.
   *
   * @param closeCode as for {@link #lose}
   */
  private void giveUp(int closeCode, String reason, @Nullable Throwable cause) {
    if (state == State.OPEN && loop.nanoTime() - lastGreeted > settings.backoff().max().toNanos()) {
      offences = 0;
    }
    lose(closeCode, reason, PATIENT + offences++, cause);
  }

  /** Gives an open connection up because of what the server said. */
  public void giveUp(String reason) {
    loop.assertCurrent();
    if (state == State.OPEN) {
      giveUp(NO_CLOSE_FRAME, reason, null);
    }
  }

  /** A task of the loop threw, and may have left anything half done: a hello puts it right. */
  public void taskFailed(Throwable failure) {
    loop.assertCurrent();
    if (state != State.STOPPED && state != State.WAITING) {
      giveUp(NO_CLOSE_FRAME, "the device failed: " + Quote.message(failure.toString()), failure);
    }
  }

  private void lose(int closeCode, String reason, int atLeast, @Nullable Throwable cause) {
    Attempt last = attempt;
    if (last != null) {
      if (closeCode == NO_CLOSE_FRAME) {
        last.abort();
      } else {
        last.close(closeCode, "");
      }
    }
    retry(closeCode, reason, atLeast, cause);
  }

  @Override
  public void ended(Attempt from, int closeCode, String reason, @Nullable Throwable cause) {
    if (from != attempt) {
      return;
    }
    if (closeCode == CloseCode.WAKE_UP.code() && state == State.OPEN && mayBeWoken) {
      sleep();
      return;
    }
    int atLeast = 0;
    if (closeCode == CloseCode.TRY_AGAIN_LATER.code()
        || closeCode == CloseCode.POLICY_VIOLATION.code()) {
      // 1008 also says that another device uses this UAID: the two must not chase each other away.
      atLeast = PATIENT;
    }
    if (state == State.OPEN && isPingUnanswered()) {
      suspect = silence(); // broken, and only the ping made somebody say so
    }
    String sentence =
        switch (state) {
          case CONNECTING -> "the connection could not be opened";
          case GREETING -> "the server ended the connection before it answered the hello";
          default -> "the connection ended";
        };
    retry(closeCode, reason.isEmpty() ? sentence : sentence + ": " + reason, atLeast, cause);
  }

  private void retry(int closeCode, String reason, int atLeast, @Nullable Throwable cause) {
    attempt = null;
    redirects = 0;
    failures++;
    if (failures > 1) {
      suspect = null; // the server cannot be reached: it was not the silence
    }
    patience = Math.max(patience + 1, atLeast);
    Duration delay = settings.backoff().delay(patience, random);
    // First of all: should the rest fail, there is a next attempt.
    Loop.Timer next = loop.schedule(delay, () -> connect(settings.server()));
    enter(State.WAITING);
    timer = next;
    owner.disconnected(new Disconnected(closeCode, reason, failures, delay, cause));
  }

  private void sleep() {
    Transport.Doorbell advertised = doorbell;
    Duration longest = advertised == null ? Duration.ZERO : advertised.maxSleep();
    // A random part less: devices that begin to sleep together must not connect together.
    Duration atMost = longest.minusNanos(random.nextLong(longest.toNanos() / 10 + 1));
    attempt = null;
    waking = false;
    enter(State.SLEEPING);
    timer = loop.schedule(atMost, () -> connect(settings.server()));
    owner.sleeping(atMost);
    boolean reachable = advertised != null && advertised.equals(transport.listen(this::rung));
    // A datagram may have overtaken the close frame.
    boolean wanted = !reachable || wakeLimit.isRung(loop.nanoTime(), Attempt.CLOSE_GRACE);
    if (wanted && state == State.SLEEPING) {
      wake();
    }
  }

  /** A datagram has come, from anybody. Called by any thread. */
  private void rung() {
    if (rung.compareAndSet(false, true)) {
      try {
        loop.execute(this::answerRing);
      } catch (RuntimeException | Error e) {
        rung.set(false); // or no later one would be heard
        throw e;
      }
    }
  }

  private void answerRing() {
    rung.set(false);
    wakeLimit.rung(loop.nanoTime());
    if (state == State.SLEEPING) {
      wake();
    } else if (state == State.OPEN && mayBeWoken) {
      probe(); // the server may believe that this device sleeps
    }
  }

  /** Ends sleep now, or as soon as a datagram may do so again. */
  private void wake() {
    if (waking) {
      return;
    }
    enter(State.SLEEPING);
    waking = true;
    Duration wait = wakeLimit.untilPermitted(loop.nanoTime());
    Runnable connect =
        () -> {
          wakeLimit.woken(loop.nanoTime());
          connect(settings.server());
        };
    if (wait.isZero()) {
      connect.run();
    } else {
      timer = loop.schedule(wait, connect);
    }
  }
}
