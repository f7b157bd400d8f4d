package org.simplepush.server.internal.net;

import static java.util.Comparator.comparing;
import static java.util.Comparator.reverseOrder;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.MessageCodec;
import org.simplepush.server.internal.Counters;
import org.simplepush.server.internal.FailureLog;
import org.simplepush.server.internal.MemoryAccount;
import org.simplepush.server.internal.MemoryAccount.Kind;
import org.simplepush.server.internal.Refusal;
import org.simplepush.server.internal.Throttle;
import org.simplepush.server.internal.session.Conversations;
import org.simplepush.server.internal.session.ServerSettings;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Accepts the connections of devices and shares them out among a few event loops. The first loop
 * also accepts.
 */
public final class WebSocketServer {
  private static final Logger log = LoggerFactory.getLogger(WebSocketServer.class);

  private static final int BACKLOG = 1024;

  /** Devices with channels are the last, and all alike. */
  private static final Comparator<Connection> NEWEST_STRANGERS_FIRST =
      comparing(Connection::acquaintance)
          .thenComparing(
              (a, b) ->
                  a.acquaintance() == Acquaintance.KNOWN
                      ? 0
                      : Long.signum(b.acceptedAt() - a.acceptedAt()));

  /** How often to look whether the last connection has ended. */
  private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  /**
   * The kernel would hold up to 4 MB for a device that does not read; beyond this we hold it, once
   * a channel.
   */
  private static final int SEND_BUFFER = 16 * 1024;

  /** What a connection takes of the heap when idle, its session and its timer included. */
  public static final int CONNECTION = 2 * 1024;

  /** What it takes more with TLS, once the handshake is over. */
  static final int TLS = 5 * 1024;

  /** So many more than may be connected are heard, to be told that they are too many. */
  private static final int SPARE = 64;

  /** This part of the connections is kept free of strangers, for devices that come again. */
  private static final int RESERVE = 16;

  /** How long a stranger may take to become known before it may have to make room. */
  private static final long GRACE_NANOS = TimeUnit.SECONDS.toNanos(5);

  /** For so long those who were asked to go may take. */
  private static final int SHED_SECONDS = 2;

  private static final int QUIET_SECONDS = 60;

  private final Conversations conversations;
  private final ServerSettings settings;
  private final MessageCodec codec;
  private final Counters counters;
  private final ConnectionLimits limits;
  private final @Nullable AdmissionDesk admission;
  private final FailureLog failures;
  private final int connectionCost;
  private final long maxConnections;
  private final @Nullable SSLContext tls;
  private final ServerSocketChannel listener;
  private final List<EventLoop> loops = new ArrayList<>();

  /** The connections of each loop; each set is only accessed by its loop's thread. */
  private final List<Set<Connection>> connections = new ArrayList<>();

  private final AtomicInteger open = new AtomicInteger();

  /** Whether nobody is accepted any more, although the server was not closed. */
  private volatile boolean deaf;

  private final Throttle crowdWarnings = new Throttle(QUIET_SECONDS, System::nanoTime);
  private final Throttle othersAsked = new Throttle(1, System::nanoTime);

  /** One for each loop. */
  private final List<Throttle> crowds = new ArrayList<>();

  private int nextLoop;

  public WebSocketServer(
      Conversations conversations,
      ServerSettings settings,
      MessageCodec codec,
      Counters counters,
      ConnectionLimits limits,
      @Nullable AdmissionDesk admission,
      @Nullable SSLContext tls,
      ServerSocketChannel listener) {
    this.conversations = conversations;
    this.settings = settings;
    this.codec = codec;
    this.counters = counters;
    this.limits = limits;
    this.admission = admission;
    this.tls = tls;
    this.listener = listener;
    this.failures = counters.failures;
    this.connectionCost = tls == null ? CONNECTION : CONNECTION + TLS;
    this.maxConnections =
        Math.min(limits.max(), Math.max(1, memory().limit(Kind.CONNECTIONS) / connectionCost));
  }

  /** Binds a socket to listen on. */
  public static ServerSocketChannel bind(InetSocketAddress address) throws IOException {
    ServerSocketChannel channel = ServerSocketChannel.open();
    try {
      channel.setOption(StandardSocketOptions.SO_REUSEADDR, true);
      channel.bind(address, BACKLOG);
      channel.configureBlocking(false);
      return channel;
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  /** Starts to accept. */
  public void start(int loopCount, String name) throws IOException {
    try {
      for (int i = 0; i < loopCount; i++) {
        int index = i;
        loops.add(
            new EventLoop(name + "-loop-" + i, failure -> loopDied(index, failure), failures));
        crowds.add(new Throttle(SHED_SECONDS, System::nanoTime));
        connections.add(new HashSet<>());
      }
    } catch (IOException e) {
      loops.forEach(EventLoop::stop);
      throw e;
    }
    EventLoop first = loops.get(0);
    Acceptor acceptor = new Acceptor(listener, first, failures, this::accepted);
    first.execute(
        () -> {
          try {
            acceptor.register();
          } catch (IOException e) {
            becomeDeaf(e);
          }
        });
    loops.forEach(EventLoop::start);
  }

  Conversations conversations() {
    return conversations;
  }

  ServerSettings settings() {
    return settings;
  }

  MessageCodec codec() {
    return codec;
  }

  MemoryAccount memory() {
    return counters.memory;
  }

  /** For tests that break one. */
  public EventLoop loop(int index) {
    return loops.get(index);
  }

  ConnectionLimits limits() {
    return limits;
  }

  FailureLog failures() {
    return failures;
  }

  /** Returns who decides about devices; null if nobody does. */
  @Nullable AdmissionDesk admission() {
    return admission;
  }

  boolean isSecure() {
    return tls != null;
  }

  /** Returns why a connection may not be opened, or null. */
  @Nullable Refusal refusal(long address) {
    if (open.get() > maxConnections) {
      noteCrowd();
      return Refusal.FULL;
    }
    return limits.refusal(address);
  }

  /** Counts a connection that is refused or closed because too many are open, and says so. */
  private void noteCrowd() {
    memory().countShed(Kind.CONNECTIONS);
    if (crowdWarnings.tryPass()) {
      log.warn(
          "{} devices are connected, of {} that may be: the newest strangers are refused or closed."
              + " Allow more with maxConnections (--max-connections), which needs {} bytes of"
              + " memory for each (--max-memory), or find out who they are",
          open.get(),
          maxConnections,
          connectionCost);
    }
  }

  void refused(Refusal why) {
    counters.refusals.count(why);
  }

  // Accepting, on the first loop

  private void accepted(SocketChannel channel) {
    counters.connectionsOpened.increment();
    int connected = open.incrementAndGet();
    memory().charge(Kind.CONNECTIONS, connectionCost);
    if (connected > maxConnections + SPARE) {
      noteCrowd();
      dropUnanswered(channel, Refusal.FULL);
      return;
    }
    try {
      while (!deal(channel)) {
        log.trace("The next loop has ended; trying another"); // in the end this one, which has not
      }
    } catch (Throwable e) { // not even handed over: the others who wait must not be forgotten
      Acceptor.closeQuietly(channel);
      ended();
      failures.report(log, "A connection was accepted and could not be handed to its loop", e);
    }
  }

  /** Hands a connection to the next loop; false if that has ended. */
  private boolean deal(SocketChannel channel) {
    int index = nextLoop;
    nextLoop = (nextLoop + 1) % loops.size();
    EventLoop loop = loops.get(index);
    if (index == 0) {
      adopt(channel, index, loop); // no detour: this is its thread
      return true;
    }
    return loop.submit(() -> adopt(channel, index, loop));
  }

  private void dropUnanswered(SocketChannel channel, Refusal why) {
    refused(why);
    Acceptor.closeQuietly(channel);
    ended();
  }

  private void adopt(SocketChannel channel, int index, EventLoop loop) {
    InetAddress peer;
    long address;
    boolean mayEnter;
    try {
      peer = ((InetSocketAddress) channel.getRemoteAddress()).getAddress();
      address = limits.addresses().peerKey(peer); // a proxy's client is not known yet
      mayEnter = limits.enter(address);
    } catch (Throwable e) {
      notServed(channel, e);
      return;
    }
    if (mayEnter) {
      adopt(channel, peer, address, index, loop);
    } else {
      limits.leave(address);
      dropUnanswered(channel, Refusal.ADDRESS);
    }
  }

  private void adopt(
      SocketChannel channel, InetAddress peer, long address, int index, EventLoop loop) {
    Connection connection = null;
    try {
      channel.configureBlocking(false);
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      channel.setOption(StandardSocketOptions.SO_SNDBUF, SEND_BUFFER);
      boolean trusted = limits.addresses().trusts(peer);
      Transport transport = new ProxyHeader(channel, trusted, transport(channel, loop));
      connection = new Connection(this, loop, channel, transport, address);
      connections.get(index).add(connection);
      if (open.get() > maxConnections - maxConnections / RESERVE) {
        shedStrangers(index);
      }
    } catch (Throwable e) {
      if (connection != null) {
        connection.onFailure(e);
        return;
      }
      limits.leave(address);
      notServed(channel, e);
    }
  }

  private void notServed(SocketChannel channel, Throwable failure) {
    Acceptor.closeQuietly(channel);
    ended();
    if (failure instanceof IOException) {
      log.debug("An accepted connection was gone at once", failure);
    } else {
      failures.report(log, "Devices that connect cannot be served", failure);
    }
  }

  // Shedding (protocol §13), each loop among its own

  /** Asks strangers to go who had the time to become known, if they are too many. */
  private void shedStrangers(int index) {
    if (!crowds.get(index).tryPass()) {
      return;
    }
    long excess = open.get() - (maxConnections - 2 * (maxConnections / RESERVE));
    long now = System.nanoTime();
    List<Connection> strangers = new ArrayList<>();
    for (Connection each : connections.get(index)) {
      if (each.acquaintance() != Acquaintance.KNOWN && now - each.acceptedAt() > GRACE_NANOS) {
        strangers.add(each);
      }
    }
    strangers.sort(NEWEST_STRANGERS_FIRST);
    long share = (excess + loops.size() - 1) / loops.size();
    for (Connection each : strangers.subList(0, (int) Math.min(share, strangers.size()))) {
      noteCrowd();
      each.shed();
    }
  }

  /**
   * Charges memory that a connection of the current loop holds, and makes room if there is none.
   */
  void charge(Kind kind, int bytes) {
    memory().charge(kind, bytes);
    if (bytes > 0 && memory().isOver(kind)) {
      makeRoom(kind);
    }
  }

  /**
   * Closes those who hold most of it with the least right to: strangers, and more of them than must
   * be, so as not to look for some every time. Devices with channels only if it is this loop that
   * holds too much, and then those that hold most.
   */
  private void makeRoom(Kind kind) {
    List<Connection> holders = new ArrayList<>();
    long held = 0;
    for (Connection each : connections.get(currentLoop())) {
      if (each.charged(kind) > 0) {
        holders.add(each);
        held += each.charged(kind);
      }
    }
    long limit = memory().limit(kind);
    holders.sort(NEWEST_STRANGERS_FIRST.thenComparing(each -> each.charged(kind), reverseOrder()));
    for (Connection each : holders) {
      boolean known = each.acquaintance() == Acquaintance.KNOWN;
      if (memory().used(kind) <= (known ? limit : limit / 8 * 7)
          || (known && held <= limit / loops.size())) {
        break;
      }
      held -= each.charged(kind);
      memory().shed(kind);
      each.closeNow();
    }
    if (memory().isOver(kind) && othersAsked.tryPass()) {
      loops.forEach(loop -> loop.execute(() -> makeRoomIfNeeded(kind)));
    }
  }

  private void makeRoomIfNeeded(Kind kind) {
    if (memory().isOver(kind)) {
      makeRoom(kind);
    }
  }

  private Transport transport(SocketChannel channel, EventLoop loop) {
    if (tls == null) {
      return new Transport.Plain(channel);
    }
    SSLEngine engine = tls.createSSLEngine();
    return new TlsTransport(channel, engine, loop.tlsBuffers());
  }

  private void becomeDeaf(Throwable failure) {
    if (listener.isOpen()) { // else the server was closed as soon as it was started
      deaf = true;
      Acceptor.closeQuietly(listener); // so that devices are refused, instead of waiting for ever
      log.error("The WebSocket port is no longer served", failure);
    }
  }

  /** A loop cannot go on: its devices connect anew, and find another one. In its last turn. */
  private void loopDied(int index, Throwable failure) {
    IOException reason = new IOException("the event loop of the connection has ended", failure);
    if (index == 0) {
      becomeDeaf(failure);
    }
    for (Connection each : List.copyOf(connections.get(index))) {
      try {
        each.onFailure(reason);
      } catch (Throwable e) {
        failures.report(log, "A connection of a loop that has ended was not closed well", e);
      }
    }
  }

  // Health

  /**
   * Makes sure that devices are accepted, and that each loop takes its turn.
   *
   * @param deadline in nanoseconds
   * @throws IOException with a sentence, if they are not
   */
  public void check(long deadline) throws IOException {
    if (deaf || !listener.isOpen()) {
      throw new IOException("The WebSocket port is no longer served; restart the server");
    }
    if (tls != null) {
      try {
        tls.createSSLEngine();
      } catch (RuntimeException e) {
        throw new IOException("TLS does not work for devices: " + e, e);
      }
    }
    CompletableFuture<Void> turns = onEachLoop((loop, mine, done) -> done.complete(null));
    for (EventLoop loop : loops) {
      if (loop.hasEnded()) {
        throw new IOException("An event loop has ended; restart the server");
      }
    }
    try {
      turns.get(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      throw new IOException("An event loop does not take its turn: something blocks it", e);
    } catch (ExecutionException e) {
      throw new IOException("An event loop failed", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("Interrupted while waiting for the event loops", e);
    }
  }

  /** A connection has ended. On its loop. */
  void closed(Connection connection) {
    connections.get(currentLoop()).remove(connection);
    ended(connection.address());
  }

  private void ended(long address) {
    limits.leave(address);
    ended();
  }

  private int currentLoop() {
    for (int i = 0; i < loops.size(); i++) {
      if (loops.get(i).isCurrent()) {
        return i;
      }
    }
    throw new IllegalStateException("only a loop may touch its connections");
  }

  private void ended() {
    open.decrementAndGet();
    memory().release(Kind.CONNECTIONS, connectionCost);
    counters.connectionsClosed.increment();
  }

  // The end

  /**
   * Stops accepting and tells one device after the other that the server goes away. The future
   * completes when that time is over, or all connections have ended before.
   */
  public CompletableFuture<Void> drain(long millis) {
    long nanos = TimeUnit.MILLISECONDS.toNanos(millis);
    Acceptor.closeQuietly(listener);
    return onEachLoop(
        (loop, mine, done) -> {
          List<Connection> all = new ArrayList<>(mine);
          Collections.shuffle(all);
          double share = (double) nanos / Math.max(1, all.size());
          for (int i = 0; i < all.size(); i++) {
            // Somewhere in its share of the time, so that loops and nodes are not in step.
            double due = share * (i + ThreadLocalRandom.current().nextDouble());
            loop.schedule((long) due, all.get(i)::goAway);
          }
          awaitEnd(loop, mine, System.nanoTime() + nanos, done);
        });
  }

  private static void awaitEnd(
      EventLoop loop, Set<Connection> mine, long end, CompletableFuture<Void> done) {
    if (mine.isEmpty() || System.nanoTime() - end >= 0) {
      done.complete(null);
    } else {
      loop.schedule(LOOK_NANOS, () -> awaitEnd(loop, mine, end, done));
    }
  }

  /**
   * Stops accepting and tells every device that the server goes away. The future completes when all
   * connections have ended, which takes no longer than a connection's patience.
   */
  public CompletableFuture<Void> goAway() {
    Acceptor.closeQuietly(listener);
    return onEachLoop(WebSocketServer::goAway);
  }

  private static void goAway(EventLoop loop, Set<Connection> mine, CompletableFuture<Void> done) {
    List.copyOf(mine).forEach(Connection::goAway);
    if (mine.isEmpty()) {
      done.complete(null);
    } else {
      // Said again to those that were on their way to this loop; harmless for the others.
      loop.schedule(LOOK_NANOS, () -> goAway(loop, mine, done));
    }
  }

  private interface Goodbye {
    void say(EventLoop loop, Set<Connection> mine, CompletableFuture<Void> done);
  }

  private CompletableFuture<Void> onEachLoop(Goodbye goodbye) {
    List<CompletableFuture<Void>> all = new ArrayList<>();
    for (int i = 0; i < loops.size(); i++) {
      EventLoop loop = loops.get(i);
      Set<Connection> mine = connections.get(i);
      CompletableFuture<Void> done = new CompletableFuture<>();
      all.add(done);
      Runnable saying =
          () -> {
            try {
              goodbye.say(loop, mine, done);
            } catch (Throwable e) {
              done.complete(null); // else all would wait for this loop
              failures.report(log, "The connections of a loop could not be told", e);
            }
          };
      if (!loop.submit(saying)) {
        done.complete(null);
      }
    }
    return CompletableFuture.allOf(all.toArray(CompletableFuture[]::new));
  }

  /** Ends the loops. */
  public void stop() {
    if (admission != null) {
      admission.close();
    }
    loops.forEach(EventLoop::stop);
    boolean interrupted = false;
    for (EventLoop loop : loops) {
      try {
        if (!loop.join(TimeUnit.SECONDS.toMillis(5))) {
          log.error("An event loop did not end");
        }
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
