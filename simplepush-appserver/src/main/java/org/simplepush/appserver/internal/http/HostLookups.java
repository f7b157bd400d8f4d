package org.simplepush.appserver.internal.http;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import okhttp3.Dns;
import org.jspecify.annotations.Nullable;
import org.simplepush.appserver.internal.Faults;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks hosts up on threads of its own, whose number is bounded: the name servers of an endpoint
 * decide how long an answer takes, and a thread that waits for it cannot be interrupted.
 *
 * <p>A host that was never found is looked up before its request gets a thread ({@link #lookUp}). A
 * host is looked up once at a time, however many requests want it. If a host was found before and
 * there is no answer soon, or no thread to ask, the old addresses are used (like RFC 8767); they
 * have passed the guard. Thread-safe.
 */
public final class HostLookups implements Dns {
  private static final Logger log = LoggerFactory.getLogger(HostLookups.class);

  /** The most hosts looked up at a time, including those that no request waits for any more. */
  static final int MAX_THREADS = 512;

  /** So many hosts are remembered. */
  private static final int MAX_HOSTS = 4096;

  /** How long an answer is used for further connections. */
  private static final long FRESH_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** How long to wait for a host that was found before. */
  private static final Duration PATIENCE = Duration.ofSeconds(2);

  private static final class Host {
    /** What was found last; empty if nothing ever was. */
    private List<InetAddress> addresses = List.of();

    /** How the last lookup failed; null if it did not, or there was none. */
    private @Nullable UnknownHostException failure;

    private boolean fresh;
    private long settledAt;

    /** An address, which needs no lookup. */
    private boolean literal;

    /** Completes when the lookup under way has ended; null if there is none. */
    private @Nullable CompletableFuture<Void> running;

    private final Set<Runnable> waiting = new LinkedHashSet<>();
  }

  private final Dns dns;
  private final Duration timeout;
  private final ExecutorService threads;

  // Guarded by this, like what is in it.
  private final Map<String, Host> hosts =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Host> eldest) {
          return size() > MAX_HOSTS;
        }
      };

  /**
   * Makes lookups.
   *
   * @param dns looks up, and checks the answers
   * @param timeout how long a connection waits for an answer
   */
  HostLookups(Dns dns, Duration timeout, ThreadFactory factory) {
    this.dns = dns;
    this.timeout = timeout;
    this.threads =
        new ThreadPoolExecutor(
            0, MAX_THREADS, 10, TimeUnit.SECONDS, new SynchronousQueue<>(), factory);
  }

  /** Calls {@code then} when there is an answer of any kind, perhaps before this returns. */
  void lookUp(String name, Runnable then) {
    Runnable next;
    synchronized (this) {
      Host host = host(name);
      if (host.literal || !host.addresses.isEmpty() || isFresh(host)) {
        next = then;
      } else {
        host.waiting.add(then);
        next = starter(name, host);
      }
    }
    if (next != null) {
      next.run();
    }
  }

  /** Forgets {@code then}, if it still waits for {@code name}. */
  synchronized void abandon(String name, Runnable then) {
    Host host = hosts.get(name);
    if (host != null) {
      host.waiting.remove(then);
    }
  }

  /** Has the next connection look the host up again, because no connection could be made. */
  synchronized void doubt(String name) {
    Host host = hosts.get(name);
    if (host != null) {
      host.fresh = false;
    }
  }

  /** Returns the addresses to connect to, on the thread of a request. */
  @Override
  public List<InetAddress> lookup(String name) throws UnknownHostException {
    Host host;
    CompletableFuture<Void> running;
    Runnable start;
    Duration patience;
    synchronized (this) {
      host = host(name);
      if (isFresh(host)) {
        return answer(host);
      }
      start = starter(name, host);
      running = host.running;
      patience = host.addresses.isEmpty() || timeout.compareTo(PATIENCE) < 0 ? timeout : PATIENCE;
    }
    if (start != null) {
      start.run();
    }
    if (running != null) {
      await(running, patience);
    }
    synchronized (this) {
      return answer(host);
    }
  }

  private static void await(CompletableFuture<Void> running, Duration patience)
      throws UnknownHostException {
    try {
      running.get(patience.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      log.debug("A lookup takes long", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new NoAnswerException();
    } catch (ExecutionException e) {
      throw new IllegalStateException("A lookup always ends well.", e);
    }
  }

  /** Guarded by this. */
  private static List<InetAddress> answer(Host host) throws UnknownHostException {
    if (host.running == null && host.failure != null) {
      // A copy, because the HTTP engine adds to what it catches.
      throw host.failure instanceof EndpointGuard.BarredException
          ? new EndpointGuard.BarredException()
          : new UnknownHostException(host.failure.getMessage());
    }
    if (host.addresses.isEmpty()) {
      throw new NoAnswerException();
    }
    return host.addresses;
  }

  /** Guarded by this. */
  private Host host(String name) {
    Host host = hosts.get(name);
    if (host == null) {
      host = new Host();
      host.literal = EndpointGuard.isLiteral(name);
      hosts.put(name, host);
    }
    return host;
  }

  private static boolean isFresh(Host host) {
    return host.running == null && host.fresh && System.nanoTime() - host.settledAt < FRESH_NANOS;
  }

  /** Returns what begins a lookup outside the lock, or null if one is under way. */
  private @Nullable Runnable starter(String name, Host host) {
    if (host.running != null) {
      return null;
    }
    host.running = new CompletableFuture<>();
    return () -> {
      try {
        threads.execute(() -> ask(name, host));
      } catch (RuntimeException | Error e) { // all threads wait for answers, or no memory
        log.debug("A host could not be looked up", e);
        settleUnasked(host);
      }
    };
  }

  /** Uses what was found before, if anything was. */
  private void settleUnasked(Host host) {
    List<InetAddress> before;
    synchronized (this) {
      before = host.addresses;
    }
    settle(
        host,
        before,
        before.isEmpty()
            ? new UnknownHostException("Too many hosts are being looked up already")
            : null);
  }

  private void ask(String name, Host host) {
    try {
      settle(host, List.copyOf(dns.lookup(name)), null);
    } catch (UnknownHostException e) {
      settle(host, List.of(), e);
    } catch (RuntimeException | Error e) {
      log.debug("A lookup failed", e);
      settle(host, List.of(), new UnknownHostException("The lookup failed"));
    }
  }

  private void settle(
      Host host, List<InetAddress> addresses, @Nullable UnknownHostException failure) {
    List<Runnable> waiting;
    CompletableFuture<Void> running;
    synchronized (this) {
      host.addresses = addresses;
      host.failure = failure;
      host.fresh = true;
      host.settledAt = System.nanoTime();
      running = host.running;
      host.running = null;
      waiting = List.copyOf(host.waiting);
      host.waiting.clear();
    }
    if (running != null) {
      running.complete(null);
    }
    for (Runnable then : waiting) {
      Faults.contain(log, "A request that waited for its host failed", then);
    }
  }

  /**
   * Ends the threads that can be ended: one that waits for the system's resolver ends when that
   * does.
   */
  void stop() {
    threads.shutdownNow();
  }

  /** No answer from the name servers in time. */
  static final class NoAnswerException extends UnknownHostException {
    private static final long serialVersionUID = 1;

    NoAnswerException() {
      super("No answer from the name servers in time");
    }
  }
}
