package org.simplepush.server;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.SelectionKey;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Accepts the connections of devices and shares them out among a few event loops. The first loop
 * also accepts.
 */
final class WebSocketServer implements EventLoop.Handler {
  private static final Logger log = LoggerFactory.getLogger(WebSocketServer.class);

  private static final int BACKLOG = 1024;

  /** So that a storm of connects does not keep the connected ones waiting. */
  private static final int ACCEPTS_PER_TURN = 64;

  /** How long to stop accepting when the process has no file descriptor left. */
  private static final long ACCEPT_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  /** How often to look whether the last connection has ended. */
  private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  /**
   * The kernel would hold up to 4 MB for a device that does not read; beyond this we hold it, once
   * a channel.
   */
  private static final int SEND_BUFFER = 16 * 1024;

  private final Session.Context context;
  private final ConnectionLimits limits;
  private final @Nullable SSLContext tls;
  private final ServerSocketChannel listener;
  private final List<EventLoop> loops = new ArrayList<>();

  /** The connections of each loop; each set is only accessed by its loop's thread. */
  private final List<Set<Connection>> connections = new ArrayList<>();

  private final AtomicInteger open = new AtomicInteger();

  /** Whether the last connection could not be served, through no fault of the device. */
  private final AtomicBoolean failing = new AtomicBoolean();

  /** Whether nobody is accepted any more, although the server was not closed. */
  private volatile boolean deaf;

  private int nextLoop;
  private @Nullable SelectionKey acceptKey;

  WebSocketServer(
      Session.Context context,
      ConnectionLimits limits,
      @Nullable SSLContext tls,
      ServerSocketChannel listener) {
    this.context = context;
    this.limits = limits;
    this.tls = tls;
    this.listener = listener;
  }

  /** Binds a socket to listen on. */
  static ServerSocketChannel bind(InetSocketAddress address) throws IOException {
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
  void start(int loopCount, String name) throws IOException {
    try {
      for (int i = 0; i < loopCount; i++) {
        int index = i;
        loops.add(new EventLoop(name + "-loop-" + i, failure -> loopDied(index, failure)));
        connections.add(new HashSet<>());
      }
    } catch (IOException e) {
      loops.forEach(EventLoop::stop);
      throw e;
    }
    EventLoop first = loops.get(0);
    first.execute(
        () -> {
          try {
            acceptKey = first.register(listener, SelectionKey.OP_ACCEPT, this);
          } catch (IOException e) {
            becomeDeaf(e);
          }
        });
    loops.forEach(EventLoop::start);
  }

  Session.Context context() {
    return context;
  }

  MemoryAccount memory() {
    return context.counters().memory;
  }

  /** For tests that break one. */
  EventLoop loop(int index) {
    return loops.get(index);
  }

  ConnectionLimits limits() {
    return limits;
  }

  /** Returns why a connection may not be opened, or null. */
  @Nullable Refusal refusal(long address) {
    return limits.refusal(address, open.get());
  }

  void refused() {
    refused(Refusal.HANDSHAKE);
  }

  void refused(Refusal why) {
    context.counters().refusals.count(why);
  }

  // Accepting, on the first loop

  @Override
  public void onReady(SelectionKey key) {
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
      SocketChannel channel;
      try {
        channel = listener.accept();
      } catch (IOException | RuntimeException | Error e) {
        pauseAccepting(e);
        return;
      }
      if (channel == null) {
        return;
      }
      accepted(channel);
    }
  }

  /** Too many open files, most likely: the listener must outlive it. */
  private void pauseAccepting(Throwable failure) {
    SelectionKey key = acceptKey;
    if (!listener.isOpen() || key == null) {
      return;
    }
    log.warn("Cannot accept a connection, trying again in 100 ms: {}", failure.toString());
    key.interestOps(0);
    loops
        .get(0)
        .schedule(
            ACCEPT_PAUSE_NANOS,
            () -> {
              if (key.isValid()) {
                key.interestOps(SelectionKey.OP_ACCEPT);
              }
            });
  }

  private void accepted(SocketChannel channel) {
    context.counters().connectionsOpened.increment();
    if (limits.isOverfull(open.incrementAndGet())) {
      dropUnanswered(channel, Refusal.FULL);
      return;
    }
    while (!deal(channel)) {
      log.trace("The next loop has ended; trying another"); // in the end this one, which has not
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
    closeQuietly(channel);
    ended();
  }

  private void adopt(SocketChannel channel, int index, EventLoop loop) {
    long address;
    try {
      InetSocketAddress peer = (InetSocketAddress) channel.getRemoteAddress();
      address = limits.addresses().key(peer.getAddress());
    } catch (IOException e) {
      log.debug("An accepted connection was gone at once", e);
      closeQuietly(channel);
      ended();
      return;
    }
    if (limits.enter(address)) {
      adopt(channel, address, index, loop);
    } else {
      limits.leave(address);
      dropUnanswered(channel, Refusal.ADDRESS);
    }
  }

  private void adopt(SocketChannel channel, long address, int index, EventLoop loop) {
    try {
      channel.configureBlocking(false);
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      channel.setOption(StandardSocketOptions.SO_SNDBUF, SEND_BUFFER);
      Transport transport = transport(channel, loop);
      connections.get(index).add(new Connection(this, loop, channel, transport, address));
      if (failing.get()) {
        failing.set(false);
      }
    } catch (IOException e) {
      log.debug("An accepted connection was gone at once", e);
      closeQuietly(channel);
      ended(address);
    } catch (RuntimeException | Error e) {
      closeQuietly(channel);
      ended(address);
      if (!failing.getAndSet(true)) { // not for each, who all come again and again
        log.error("Devices that connect cannot be served", e);
      }
    }
  }

  private Transport transport(SocketChannel channel, EventLoop loop) {
    if (tls == null) {
      return new Transport.Plain(channel);
    }
    SSLEngine engine = tls.createSSLEngine();
    return new TlsTransport(channel, engine, loop.tlsBuffers());
  }

  @Override
  public void onFailure(Throwable failure) {
    log.error("Accepting connections failed, and is tried again", failure);
  }

  private void becomeDeaf(Throwable failure) {
    if (listener.isOpen()) { // else the server was closed as soon as it was started
      deaf = true;
      closeQuietly(listener); // so that devices are refused, instead of waiting for ever
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
      } catch (RuntimeException e) {
        log.error("A connection of an event loop that has ended was not closed well", e);
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
  void check(long deadline) throws IOException {
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
    for (int i = 0; i < loops.size(); i++) {
      if (loops.get(i).isCurrent()) {
        connections.get(i).remove(connection);
      }
    }
    ended(connection.address());
  }

  private void ended(long address) {
    limits.leave(address);
    ended();
  }

  private void ended() {
    open.decrementAndGet();
    context.counters().connectionsClosed.increment();
  }

  // The end

  /**
   * Stops accepting and tells one device after the other that the server goes away. The future
   * completes when that time is over, or all connections have ended before.
   */
  CompletableFuture<Void> drain(long millis) {
    long nanos = TimeUnit.MILLISECONDS.toNanos(millis);
    closeQuietly(listener);
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
  CompletableFuture<Void> goAway() {
    closeQuietly(listener);
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
      if (!loop.submit(() -> goodbye.say(loop, mine, done))) {
        done.complete(null);
      }
    }
    return CompletableFuture.allOf(all.toArray(CompletableFuture[]::new));
  }

  /** Ends the loops. */
  void stop() {
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

  private static void closeQuietly(java.nio.channels.Channel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      log.debug("A socket did not close", e);
    }
  }
}
