package org.simplepush.appserver;

import java.net.URI;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import okhttp3.HttpUrl;
import okhttp3.OkHttpClient;

/**
 * Tells push servers about new versions: PUTs them to endpoints (protocol §8).
 *
 * <p>Thread-safe. Build one for the whole application and keep it; {@link #close} when done.
 */
public final class Notifier implements AutoCloseable {
  private final OkHttpClient client;
  private final ExecutorService executor;
  private final Transport transport;

  private Notifier(Builder builder) {
    AtomicInteger count = new AtomicInteger();
    executor =
        new ThreadPoolExecutor(
            0,
            Integer.MAX_VALUE,
            10,
            TimeUnit.SECONDS,
            new SynchronousQueue<>(),
            task -> {
              Thread thread = new Thread(task, "simplepush-notifier-" + count.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
    client =
        OkHttpTransport.newClient(executor)
            .connectTimeout(builder.requestTimeout)
            .readTimeout(builder.requestTimeout)
            .writeTimeout(builder.requestTimeout)
            .callTimeout(builder.requestTimeout)
            .build();
    transport = new OkHttpTransport(client, InstantSource.system());
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
   * verdict, never exceptionally, on a thread of this notifier.
   *
   * @param version 0 to 2^63−1
   * @throws IllegalArgumentException if {@code version} is negative
   * @throws IllegalStateException if the notifier is closed
   */
  public CompletableFuture<Verdict> notify(URI endpoint, long version) {
    if (version < 0) {
      throw new IllegalArgumentException("A version is 0 or more, but it was " + version + ".");
    }
    return send(endpoint, version);
  }

  /**
   * Publishes a version that the push server picks, higher than any before. Otherwise like {@link
   * #notify(URI, long)}.
   *
   * @throws IllegalStateException if the notifier is closed
   */
  public CompletableFuture<Verdict> notify(URI endpoint) {
    return send(endpoint, Transport.NO_VERSION);
  }

  private CompletableFuture<Verdict> send(URI endpoint, long version) {
    Objects.requireNonNull(endpoint, "endpoint");
    if (executor.isShutdown()) {
      throw new IllegalStateException("The notifier is closed.");
    }
    HttpUrl url = HttpUrl.parse(endpoint.toString());
    if (url == null) {
      return CompletableFuture.completedFuture(
          new Verdict.Refused(
              Verdict.Check.URL, "An endpoint is an absolute http or https URL with a host."));
    }
    CompletableFuture<Verdict> future = new CompletableFuture<>();
    transport.put(url, version, answer -> future.complete(answer.lastVerdict(1)));
    return future;
  }

  /** Cancels what is under way, closes the connections and ends the threads. */
  @Override
  public void close() {
    transport.cancelAll();
    executor.shutdown();
    client.connectionPool().evictAll();
  }

  /** Settings of a {@link Notifier}. Not thread-safe. */
  public static final class Builder {
    private Duration requestTimeout = Duration.ofSeconds(30);

    private Builder() {}

    /**
     * How long one request may take, from looking the host up to the end of the answer. Default 30
     * seconds.
     *
     * @throws IllegalArgumentException if under a millisecond
     */
    public Builder requestTimeout(Duration timeout) {
      if (timeout.toMillis() < 1) {
        throw new IllegalArgumentException(
            "A request timeout is at least a millisecond, but it was " + timeout + ".");
      }
      this.requestTimeout = timeout;
      return this;
    }

    /** Returns a notifier with these settings, ready to use. */
    public Notifier build() {
      return new Notifier(this);
    }
  }
}
