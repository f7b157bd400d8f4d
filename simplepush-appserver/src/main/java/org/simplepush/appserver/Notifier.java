package org.simplepush.appserver;

import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.random.RandomGenerator;
import javax.net.SocketFactory;
import javax.net.ssl.X509TrustManager;
import okhttp3.Dns;
import org.jspecify.annotations.Nullable;
import org.simplepush.appserver.internal.CallbackExecutor;
import org.simplepush.appserver.internal.ThreadTime;
import org.simplepush.appserver.internal.Versions;
import org.simplepush.appserver.internal.http.EndpointGuard;
import org.simplepush.appserver.internal.http.HttpEngine;
import org.simplepush.appserver.internal.send.Publisher;
import org.simplepush.appserver.internal.send.Sender;
import org.simplepush.core.internal.Backoff;
import org.simplepush.core.internal.Checks;
import org.simplepush.core.internal.DaemonThreads;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Publishes versions: PUTs them to endpoints (protocol §8).
 *
 * <ul>
 *   <li>Calls for one endpoint collapse: at most one request is on the wire and one version waits,
 *       the newest. Each call gets the verdict on its version or on a newer one.
 *   <li>What may succeed later (network errors, 429, 408, 5xx) is retried with exponential back-off
 *       and jitter until the {@link Builder#deadline deadline}; {@code Retry-After} is obeyed.
 *   <li>Each host has its own queue. A host that fails gets fewer requests at a time, then one per
 *       back-off, and holds up no other. One that failed for a whole deadline is taken as down:
 *       until it answers again, calls for it fail without a request, except for the one that tries.
 *   <li>Strangers choose endpoints. Only {@code https}, port 443 and public addresses are connected
 *       to, and redirects are not followed; see {@link Verdict.Check} and {@link
 *       Builder#permitHost}. Proxies are not used, because they would look names up, unchecked.
 * </ul>
 *
 * <p>Thread-safe. Build one for the whole application and keep it; {@link #close} it at the end.
 *
 * @since 0.1
 */
public final class Notifier implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Notifier.class);

  /** How many there have been, for the names of threads. */
  private static final AtomicInteger notifiers = new AtomicInteger();

  private final Sender sender;
  private final Publisher publisher;
  private final CallbackExecutor callbacks;
  private final Duration drain;
  private final CompletableFuture<Void> released;
  private final ThreadTime time;
  private final @Nullable ExecutorService ownExecutor;

  private Notifier(Builder builder) {
    drain = builder.drain;
    String name = "simplepush-notifier-" + notifiers.incrementAndGet() + "-";
    ThreadFactory threads = DaemonThreads.numbered(name);
    ownExecutor = builder.executor == null ? newExecutor(threads) : null;
    ExecutorService executor =
        ownExecutor != null ? ownExecutor : Objects.requireNonNull(builder.executor);
    callbacks = new CallbackExecutor(executor);
    EndpointGuard guard =
        new EndpointGuard(builder.permittedHosts, builder.permittedPorts, builder.dns);
    HttpEngine http =
        new HttpEngine(
            builder.httpSettings(), guard, executor, DaemonThreads.numbered(name + "lookup-"));
    time = new ThreadTime(threads);
    sender =
        new Sender(
            builder.senderSettings(),
            http.transport(),
            time,
            // Any thread may draw; ThreadLocalRandom.current() itself must not travel.
            (RandomGenerator) () -> ThreadLocalRandom.current().nextLong(),
            callbacks,
            new Listeners(builder.listeners));
    publisher = new Publisher(guard, sender, callbacks, builder.window);
    released =
        sender
            .finished()
            .thenRun(
                () -> {
                  time.stop();
                  http.close();
                  if (ownExecutor != null) {
                    ownExecutor.shutdown();
                  }
                });
  }

  private static ExecutorService newExecutor(ThreadFactory threads) {
    // One thread per request on the wire, whose number the sender limits.
    return new ThreadPoolExecutor(
        0, Integer.MAX_VALUE, 10, TimeUnit.SECONDS, new SynchronousQueue<>(), threads);
  }

  /** Returns a notifier with the defaults of {@link Builder}. */
  public static Notifier create() {
    return builder().build();
  }

  /** Returns a builder with its defaults set. */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Publishes {@code version} to {@code endpoint}. Returns at once; the future completes with the
   * verdict, never exceptionally, on a thread of this notifier or before this returns. What depends
   * on the future runs there too: it should not take long.
   *
   * @param version 0 to 2^63−1
   * @throws IllegalArgumentException if {@code version} is negative
   * @throws IllegalStateException if the notifier is closed
   */
  public CompletableFuture<Verdict> publish(URI endpoint, long version) {
    Versions.check(version);
    return send(endpoint, version);
  }

  /**
   * Publishes a version that the push server picks, higher than any before; it replaces the version
   * that waits for this endpoint, if there is one. Otherwise like {@link #publish(URI, long)}.
   *
   * @throws IllegalStateException if the notifier is closed
   */
  public CompletableFuture<Verdict> publish(URI endpoint) {
    return send(endpoint, Versions.NONE);
  }

  /**
   * Publishes {@code version} to every endpoint of {@code endpoints}, however many: they are pulled
   * as verdicts come, so that a few thousand are in memory at a time. Returns at once.
   *
   * <p>The iterator is used by one thread of this notifier at a time and may block there, for a
   * database for instance. If it throws, no more is sent, and the future fails with what it threw
   * once the verdicts on what was sent are in. Cancelling the future ends the pulling.
   *
   * @param endpoints an {@code Iterable}, or a stream by {@code stream::iterator}
   * @param version 0 to 2^63−1
   * @param listener hears every verdict
   * @return completes after the last verdict
   * @throws IllegalArgumentException if {@code version} is negative
   * @throws IllegalStateException if the notifier is closed
   */
  public CompletableFuture<Summary> publishAll(
      Iterable<? extends URI> endpoints, long version, VerdictListener listener) {
    Versions.check(version);
    Objects.requireNonNull(listener, "listener");
    CompletableFuture<Summary> summary = new CompletableFuture<>();
    publisher.<URI>fanOut(
        endpoints.iterator(),
        (endpoint, sink) -> publisher.publishFromFanout(endpoint, version, sink),
        endpoint -> endpoint,
        Adapters.listener(listener),
        Adapters.end(summary));
    return summary;
  }

  /**
   * Publishes {@code version} to every endpoint of {@code endpoints}, like {@link
   * #publishAll(Iterable, long, VerdictListener)}, without a listener.
   *
   * @throws IllegalArgumentException if {@code version} is negative
   * @throws IllegalStateException if the notifier is closed
   */
  public CompletableFuture<Summary> publishAll(Iterable<? extends URI> endpoints, long version) {
    return publishAll(endpoints, version, (endpoint, verdict) -> {});
  }

  /**
   * Publishes {@code version} to every endpoint of a topic, and prunes those that are gone.
   * Otherwise like {@link #publishAll(Iterable, long, VerdictListener)}: if the subscriptions
   * throw, for instance because one of them cannot be decrypted, the rest of the topic is not
   * notified and the future fails with what they threw.
   *
   * @param listener hears each verdict before the endpoint is pruned
   * @throws IllegalArgumentException if {@code version} is negative, or the topic empty or too long
   * @throws IllegalStateException if the notifier is closed
   */
  public CompletableFuture<Summary> publishTopic(
      Subscriptions subscriptions, String topic, long version, VerdictListener listener) {
    Topics.check(topic);
    Objects.requireNonNull(listener, "listener");
    return publishAll(
        // The first page is looked up on our thread too, not on the caller's.
        () -> new LazyIterator<>(subscriptions.endpoints(topic)),
        version,
        (endpoint, verdict) -> {
          try {
            listener.onVerdict(endpoint, verdict);
          } finally {
            if (verdict instanceof Verdict.Gone) {
              prune(subscriptions, endpoint);
            }
          }
        });
  }

  /**
   * Publishes {@code version} to every endpoint of a topic, like {@link
   * #publishTopic(Subscriptions, String, long, VerdictListener)}, without a listener.
   *
   * @throws IllegalArgumentException if {@code version} is negative, or the topic empty or too long
   * @throws IllegalStateException if the notifier is closed
   */
  public CompletableFuture<Summary> publishTopic(
      Subscriptions subscriptions, String topic, long version) {
    return publishTopic(subscriptions, topic, version, (endpoint, verdict) -> {});
  }

  private static void prune(Subscriptions subscriptions, URI endpoint) {
    try {
      subscriptions.prune(endpoint);
    } catch (StorageException e) {
      log.warn("An endpoint that is gone was not pruned; it will be when it is next notified", e);
    }
  }

  private CompletableFuture<Verdict> send(URI endpoint, long version) {
    Objects.requireNonNull(endpoint, "endpoint");
    CompletableFuture<Verdict> future = new CompletableFuture<>();
    publisher.publish(endpoint, version, outcome -> future.complete(Adapters.verdict(outcome)));
    return future;
  }

  /** Returns what this notifier has done so far, and what it is doing. */
  public NotifierStatistics statistics() {
    return new NotifierStatistics(sender.statistics());
  }

  /**
   * Takes no more calls, and ends when every call has its verdict, at the latest after the {@link
   * Builder#drain drain time}: what is unfinished then fails with {@link Verdict.Cause#CLOSED}.
   * Returns at once; every call answers with the same completion. When it completes, connections
   * are closed and no thread of this notifier remains, but for those that hand over the last
   * verdicts, or wait for name servers that do not answer. An executor that was handed in is left
   * alone.
   */
  public CompletableFuture<Void> closeAsync() {
    sender.close(drain);
    return released.copy();
  }

  /**
   * Closes the notifier and waits until {@link #closeAsync} is done. Calling it again is harmless.
   * In code that this notifier calls, such as a listener or what depends on a verdict, it does not
   * wait, because it would wait for itself.
   */
  @Override
  public void close() {
    CompletableFuture<Void> done = closeAsync();
    if (callbacks.isCurrent()) {
      return;
    }
    done.join();
    awaitEnd(time.thread());
    if (ownExecutor != null) {
      awaitEnd(ownExecutor);
    }
  }

  /** For an outbox. */
  Publisher publisher() {
    return publisher;
  }

  Sender sender() {
    return sender;
  }

  /** Asks for its iterator when it is first used. */
  private static final class LazyIterator<T> implements Iterator<T> {
    private final Iterable<T> iterable;
    private @Nullable Iterator<T> iterator;

    LazyIterator(Iterable<T> iterable) {
      this.iterable = iterable;
    }

    private Iterator<T> iterator() {
      Iterator<T> known = iterator;
      if (known == null) {
        known = iterable.iterator();
        iterator = known;
      }
      return known;
    }

    @Override
    public boolean hasNext() {
      return iterator().hasNext();
    }

    @Override
    public T next() {
      return iterator().next();
    }
  }

  /** A moment for threads that have nothing left to do but to end. */
  private static void awaitEnd(ExecutorService executor) {
    try {
      if (!executor.awaitTermination(1, TimeUnit.SECONDS)) {
        executor.shutdownNow();
      }
    } catch (InterruptedException e) {
      executor.shutdownNow();
      Thread.currentThread().interrupt();
    }
  }

  /** Settings of a {@link Notifier}. Not thread-safe. */
  public static final class Builder {
    private Duration requestTimeout = Duration.ofSeconds(30);
    private Duration connectTimeout = Duration.ofSeconds(10);
    private Duration deadline = Duration.ofMinutes(5);
    private Backoff backoff = new Backoff(Duration.ofMillis(500), Duration.ofMinutes(1));
    private Duration maxRetryAfter = Duration.ofMinutes(2);
    private Duration drain = Duration.ofSeconds(10);
    private int maxPerHost = 64;
    private int maxConcurrent = 256;
    private int maxWaiting = 100_000;
    private @Nullable ExecutorService executor;
    private final Set<String> permittedHosts = new HashSet<>();
    private final Set<Integer> permittedPorts = new HashSet<>();
    private @Nullable X509TrustManager trustManager;

    private final List<NotifierListener> listeners = new ArrayList<>();

    // For tests.
    private int window = 8192;
    private Dns dns = Dns.SYSTEM;
    private @Nullable SocketFactory socketFactory;

    private Builder() {}

    /**
     * How long one request may take, from looking the host up to the end of the answer. Default 30
     * seconds. When as many requests are under way as {@link #maxConcurrent} allows and others
     * wait, it is a third of that, and a tenth for hosts that have yet to answer, or failed, but a
     * second at least: then the longest are given up, and tried again later.
     *
     * @throws IllegalArgumentException if under a millisecond or over a day
     */
    public Builder requestTimeout(Duration timeout) {
      this.requestTimeout = duration("requestTimeout", timeout);
      return this;
    }

    /**
     * How long connecting to one address of a host may take, TLS apart. Default 10 seconds.
     *
     * @throws IllegalArgumentException if under a millisecond or over a day
     */
    public Builder connectTimeout(Duration timeout) {
      this.connectTimeout = duration("connectTimeout", timeout);
      return this;
    }

    /**
     * How long after a call a new attempt may begin. A verdict comes at most this, and one request
     * timeout, after the call. Default 5 minutes.
     *
     * @throws IllegalArgumentException if under a millisecond or over a day
     */
    public Builder deadline(Duration deadline) {
      this.deadline = duration("deadline", deadline);
      return this;
    }

    /**
     * How long to wait before a retry: evenly drawn from zero to a bound that doubles from {@code
     * first} to {@code max}. Default 500 milliseconds to 1 minute.
     *
     * @throws IllegalArgumentException if {@code first} is under a millisecond, {@code max} over a
     *     day, or {@code first} longer than {@code max}
     */
    public Builder backoff(Duration first, Duration max) {
      this.backoff = new Backoff(duration("first", first), duration("max", max));
      return this;
    }

    /**
     * The longest {@code Retry-After} to obey; a push server that asks for more is asked again
     * after this. Default 2 minutes.
     *
     * @throws IllegalArgumentException if under a millisecond or over a day
     */
    public Builder maxRetryAfter(Duration max) {
      this.maxRetryAfter = duration("maxRetryAfter", max);
      return this;
    }

    /**
     * How long {@link #close} waits for verdicts. Default 10 seconds; zero waits for none.
     *
     * @throws IllegalArgumentException if neither zero nor a millisecond to a day
     */
    public Builder drain(Duration drain) {
      this.drain = Checks.zeroOrRange("drain", drain, Checks.MILLISECOND, Checks.DAY);
      return this;
    }

    /**
     * The most requests to one host at a time; fewer while the host is new or struggles. Default
     * 64.
     *
     * @throws IllegalArgumentException if under 1
     */
    public Builder maxPerHost(int max) {
      this.maxPerHost = Checks.positive("maxPerHost", max);
      return this;
    }

    /**
     * The most requests at a time, each of which occupies a thread. Hosts that have yet to answer,
     * or failed, share half of them. Default 256. New hosts are looked up on up to 512 threads
     * besides, as many as there are name servers that do not answer; if these are all taken, hosts
     * that are not known fail like those without an address.
     *
     * @throws IllegalArgumentException if under 1
     */
    public Builder maxConcurrent(int max) {
      this.maxConcurrent = Checks.positive("maxConcurrent", max);
      return this;
    }

    /**
     * The most endpoints that may wait for a verdict on {@code publish}; further calls fail with
     * {@link Verdict.Cause#FULL}. Hosts that have yet to answer, or failed, share half of them. An
     * endpoint counts once for each 512 characters begun, and there may be ten times as many calls.
     * Default 100,000, about 50 MB.
     *
     * @throws IllegalArgumentException if under 1
     */
    public Builder maxWaiting(int max) {
      this.maxWaiting = Checks.positive("maxWaiting", max);
      return this;
    }

    /**
     * Where requests run and verdicts are handed over. It must be able to run {@link
     * #maxConcurrent} tasks and a few more at a time, such as one thread per task (virtual threads
     * where there are any). It is not shut down with the notifier. By default the notifier has
     * daemon threads of its own.
     */
    public Builder executor(ExecutorService executor) {
      this.executor = Objects.requireNonNull(executor, "executor");
      return this;
    }

    /**
     * Lets endpoints on {@code host} through without the checks that all others must pass: plain
     * {@code http}, any port and addresses that are not public are all right there. For tests and
     * push servers in an intranet. None by default.
     *
     * @param host a name or an address, as endpoints write it; names below it are not meant
     * @throws IllegalArgumentException if it has a scheme, a port or a path
     */
    public Builder permitHost(String host) {
      permittedHosts.add(EndpointGuard.canonicalHost(host));
      return this;
    }

    /**
     * Lets endpoints use {@code port} besides 443, on every host.
     *
     * @throws IllegalArgumentException if not 1 to 65535
     */
    public Builder permitPort(int port) {
      permittedPorts.add(Checks.peerPort("port", port));
      return this;
    }

    /** Which certificates of push servers to trust. Default: those that this Java trusts. */
    public Builder trustManager(X509TrustManager trustManager) {
      this.trustManager = Objects.requireNonNull(trustManager, "trustManager");
      return this;
    }

    /** Adds a listener; each hears everything. */
    public Builder listener(NotifierListener listener) {
      listeners.add(Objects.requireNonNull(listener, "listener"));
      return this;
    }

    Builder window(int window) {
      this.window = window;
      return this;
    }

    Builder dns(Dns dns) {
      this.dns = dns;
      return this;
    }

    Builder socketFactory(SocketFactory socketFactory) {
      this.socketFactory = socketFactory;
      return this;
    }

    /** Returns a notifier with these settings, ready to use. */
    public Notifier build() {
      return new Notifier(this);
    }

    private HttpEngine.Settings httpSettings() {
      return new HttpEngine.Settings(
          connectTimeout, requestTimeout, maxConcurrent, trustManager, socketFactory);
    }

    private Sender.Settings senderSettings() {
      return new Sender.Settings(
          deadline, requestTimeout, backoff, maxRetryAfter, maxPerHost, maxConcurrent, maxWaiting);
    }

    private static Duration duration(String name, Duration value) {
      return Checks.range(name, value, Checks.MILLISECOND, Checks.DAY);
    }
  }
}
