package org.simplepush.server.internal.http;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import org.simplepush.server.EndpointServer;
import org.simplepush.server.internal.FailureLog;
import org.simplepush.server.internal.net.Acceptor;
import org.simplepush.server.internal.net.EventLoop;
import org.simplepush.server.internal.net.TlsTransport;
import org.simplepush.server.internal.net.Transport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends TLS in front of an HTTP server that listens without it on the loopback: each connection is a
 * {@link TlsTunnel} on one event loop.
 *
 * <p>The JDK's own https server does a handshake with blocking calls on the thread of a request,
 * after it has looked up the client's name, which takes as long as the client's name servers like.
 * Here a handshake takes no thread, a name is never looked up, and what clients hold is bounded.
 */
final class TlsFront {
  private static final Logger log = LoggerFactory.getLogger(TlsFront.class);

  /** More would take too many of the files that a process may open; each may take three. */
  private static final int MAX_TUNNELS = 5_000;

  private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(20);
  private static final long GOODBYE_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final long END_MILLIS = 5_000;

  private final ServerSocketChannel listener;
  private final SSLContext tls;
  private final InetSocketAddress server;
  private final EndpointServer.Limits limits;
  private final FailureLog failures;
  private final EventLoop loop;

  /** Those that were answered, or accepted, the longest ago are first. Confined to the loop. */
  private final Set<TlsTunnel> tunnels = new LinkedHashSet<>();

  private TlsFront(
      ServerSocketChannel listener,
      EndpointServer.Binding binding,
      SSLContext tls,
      InetSocketAddress server,
      FailureLog failures)
      throws IOException {
    this.listener = listener;
    this.tls = tls;
    this.server = server;
    this.limits = binding.limits();
    this.failures = failures;
    this.loop = new EventLoop(binding.name() + "-endpoint-tls", this::loopDied, failures);
  }

  /**
   * Starts to accept.
   *
   * @param listener bound, not blocking; closed by {@link #close}, and not if this throws
   * @param server where the HTTP server listens
   */
  static TlsFront start(
      ServerSocketChannel listener,
      EndpointServer.Binding binding,
      SSLContext tls,
      InetSocketAddress server,
      FailureLog failures)
      throws IOException {
    TlsFront front = new TlsFront(listener, binding, tls, server, failures);
    Acceptor acceptor = new Acceptor(listener, front.loop, failures, front::accepted);
    front.loop.execute(
        () -> {
          try {
            acceptor.register();
          } catch (IOException e) {
            front.loopDied(e);
          }
        });
    front.loop.start();
    return front;
  }

  private void accepted(SocketChannel channel) {
    try {
      InetAddress peer = ((InetSocketAddress) channel.getRemoteAddress()).getAddress();
      if (!limits.enter(peer)) {
        Acceptor.closeQuietly(channel);
        return;
      }
      open(channel, peer);
    } catch (IOException e) {
      Acceptor.closeQuietly(channel);
      log.debug("An accepted connection was gone at once", e);
    } catch (RuntimeException | Error e) {
      Acceptor.closeQuietly(channel);
      failures.report(log, "Application servers that connect cannot be served", e);
    }
  }

  private void open(SocketChannel channel, InetAddress peer) throws IOException {
    TlsTunnel tunnel = null;
    try {
      channel.configureBlocking(false);
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      Transport transport = new TlsTransport(channel, tls.createSSLEngine(), loop.tlsBuffers());
      tunnel = new TlsTunnel(this, loop, channel, transport, peer);
      tunnels.add(tunnel);
      tunnel.begin();
    } finally {
      if (tunnel == null) {
        limits.leave(peer);
      }
    }
  }

  InetSocketAddress server() {
    return server;
  }

  /** Notes that a tunnel holds more bytes, or less, and makes room if there is none. */
  void hold(long more) {
    if (more > 0) {
      limits.hold(more);
      while ((limits.isFull() || tunnels.size() > MAX_TUNNELS) && tunnels.size() > 1) {
        limits.shed();
        tunnels.iterator().next().close();
      }
    } else {
      limits.letGo(-more);
    }
  }

  /** A tunnel brings an answer: so it is among the last to make room. */
  void answers(TlsTunnel tunnel) {
    if (tunnels.remove(tunnel)) {
      tunnels.add(tunnel);
    }
  }

  /** A tunnel has closed and holds nothing any more. */
  void closed(TlsTunnel tunnel, InetAddress peer) {
    tunnels.remove(tunnel);
    limits.leave(peer);
  }

  private void loopDied(Throwable failure) {
    Acceptor.closeQuietly(listener); // so that clients are refused, instead of waiting for ever
    List.copyOf(tunnels).forEach(TlsTunnel::close);
    failures.report(log, "The endpoint port is no longer served; restart the server", failure);
  }

  /**
   * Stops accepting, gives what the HTTP server has answered a second to reach the clients, and
   * ends the loop. The HTTP server was stopped before.
   */
  void close() {
    Acceptor.closeQuietly(listener);
    CompletableFuture<Void> done = new CompletableFuture<>();
    long end = System.nanoTime() + GOODBYE_NANOS;
    if (loop.submit(() -> sayGoodbye(end, done))) {
      done.completeOnTimeout(null, END_MILLIS, TimeUnit.MILLISECONDS).join();
    }
    loop.stop();
    try {
      if (!loop.join(END_MILLIS)) {
        log.error("The event loop of the endpoint port did not end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void sayGoodbye(long end, CompletableFuture<Void> done) {
    List.copyOf(tunnels).forEach(TlsTunnel::goAway);
    boolean late = System.nanoTime() - end >= 0;
    if (late) {
      List.copyOf(tunnels).forEach(TlsTunnel::close);
    }
    if (tunnels.isEmpty()) {
      done.complete(null);
    } else {
      loop.schedule(LOOK_NANOS, () -> sayGoodbye(end, done));
    }
  }
}
