package org.simplepush.appserver.internal.http;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ProtocolException;
import java.net.Proxy;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import javax.net.ssl.SSLException;
import okhttp3.Call;
import okhttp3.Callback;
import okhttp3.Dispatcher;
import okhttp3.Dns;
import okhttp3.HttpUrl;
import okhttp3.Interceptor;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okhttp3.ResponseBody;
import okio.Buffer;
import okio.BufferedSource;
import org.jspecify.annotations.Nullable;
import org.simplepush.appserver.internal.Versions;
import org.simplepush.appserver.internal.send.Answer;
import org.simplepush.appserver.internal.send.Outcome;
import org.simplepush.appserver.internal.send.Transport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One PUT at a time over OkHttp. Thread-safe. */
public final class OkHttpTransport implements Transport {
  private static final Logger log = LoggerFactory.getLogger(OkHttpTransport.class);

  /** A push server's answer is a few bytes; this much of a longer one is read. */
  static final int MAX_ANSWER_BYTES = 4096;

  /** A longer answer does not say that the version is stale. */
  private static final int MAX_STALE_BYTES = 64;

  private static final Pattern STALE =
      Pattern.compile("\\s*\\{\\s*\"stale\"\\s*:\\s*true\\s*}\\s*");

  private static final MediaType FORM = MediaType.get("application/x-www-form-urlencoded");
  private static final RequestBody NOTHING = RequestBody.create(new byte[0]);

  /**
   * After so many failed requests the client is replaced, because it remembers each address that
   * failed, without end.
   */
  private static final int FAILURES_PER_CLIENT = 1000;

  /**
   * How often the HTTP engine may send one request: on a connection that turns out to be closed,
   * and on a new one. A server can make it repeat a request without end.
   */
  private static final int MAX_SENDS = 3;

  private final HostLookups lookups;
  private final InstantSource wallClock;
  private final AtomicInteger failures = new AtomicInteger();
  private volatile OkHttpClient client;

  /** Sends by {@code client}, which {@link #newClient} began to build, with the same lookups. */
  OkHttpTransport(OkHttpClient client, HostLookups lookups, InstantSource wallClock) {
    this.client = client;
    this.lookups = lookups;
    this.wallClock = wallClock;
  }

  /**
   * Returns what every client of ours has in common: no redirects, no credentials, no proxy that
   * would look names up where we cannot check them, and no limits of its own on how many requests
   * run, because those are set per host elsewhere.
   */
  static OkHttpClient.Builder newClient(
      ExecutorService executor, HostLookups lookups, BoundedSockets sockets) {
    Dispatcher dispatcher = new Dispatcher(executor);
    dispatcher.setMaxRequests(Integer.MAX_VALUE);
    dispatcher.setMaxRequestsPerHost(Integer.MAX_VALUE);
    return new OkHttpClient.Builder()
        .dispatcher(dispatcher)
        .dns(lookups)
        .proxy(Proxy.NO_PROXY)
        .addInterceptor(OkHttpTransport::contain)
        .addNetworkInterceptor(chain -> converse(chain, sockets))
        .followRedirects(false)
        .followSslRedirects(false);
  }

  /**
   * Turns what the HTTP engine throws, as it does upon some answers, into a failed request.
   * Otherwise it would end the thread with a stack trace on the console.
   */
  private static Response contain(Interceptor.Chain chain) throws IOException {
    try {
      return chain.proceed(chain.request());
    } catch (RuntimeException | Error e) {
      throw new IOException("The HTTP engine failed: " + e.getClass().getSimpleName(), e);
    }
  }

  /**
   * Sends a request and reads the answer to its end, below everything in the HTTP engine that acts
   * upon answers: it would immediately repeat requests that were answered with 408, or with 503 and
   * {@code Retry-After: 0}. It is shown an empty 200 instead. When this throws, the engine closes
   * the connection.
   */
  private static Response converse(Interceptor.Chain chain, BoundedSockets sockets)
      throws IOException {
    Put put = Objects.requireNonNull(chain.request().tag(Put.class));
    if (++put.sends > MAX_SENDS) {
      throw new ProtocolException("The push server has the request repeated again and again.");
    }
    sockets.requestBegins(Objects.requireNonNull(chain.connection()).socket());
    Response response = chain.proceed(chain.request());
    Buffer body = new Buffer();
    try (ResponseBody source = response.body()) {
      if (!drain(source.source(), body)) {
        put.answer = put.status(response, false);
        throw new TooLongException();
      }
    }
    put.answer = put.status(response, saysStale(body));
    return response.isSuccessful() ? response : response.newBuilder().code(200).build();
  }

  /** The answer is known, but too long to be read to its end: the connection is closed. */
  private static final class TooLongException extends ProtocolException {
    private static final long serialVersionUID = 1;

    @Override
    public synchronized Throwable fillInStackTrace() {
      return this; // nothing in this process failed
    }
  }

  @Override
  public Exchange put(HttpUrl endpoint, long version, Consumer<Answer> onAnswer) {
    RequestBody body =
        version == Versions.NONE
            ? NOTHING
            : RequestBody.create(("version=" + version).getBytes(StandardCharsets.US_ASCII), FORM);
    Put put = new Put(endpoint.host(), onAnswer);
    Request request =
        new Request.Builder()
            .url(endpoint)
            .header("User-Agent", "simplepush-java")
            // Without this OkHttp asks for gzip, and 4 KiB could become more.
            .header("Accept-Encoding", "identity")
            .tag(Put.class, put)
            .put(body)
            .build();
    put.call = client.newCall(request);
    lookups.lookUp(put.host, put);
    return put;
  }

  /** One request. */
  private final class Put implements Exchange, Callback, Runnable {
    private final String host;
    private final Consumer<Answer> onAnswer;
    private @Nullable Call call;

    // Of the thread that sends.
    private int sends;
    private Answer.@Nullable Status answer;

    Put(String host, Consumer<Answer> onAnswer) {
      this.host = host;
      this.onAnswer = onAnswer;
    }

    Answer.Status status(Response response, boolean stale) {
      return new Answer.Status(response.code(), RetryAfter.of(response, wallClock), stale);
    }

    private Call call() {
      return Objects.requireNonNull(call);
    }

    /** Begins, now that the host was looked up. */
    @Override
    public void run() {
      if (!call().isCanceled()) {
        call().enqueue(this);
      }
    }

    @Override
    public void cancel() {
      lookups.abandon(host, this);
      call().cancel();
    }

    @Override
    public void onResponse(Call call, Response response) {
      onAnswer.accept(Objects.requireNonNull(answer));
    }

    @Override
    public void onFailure(Call call, IOException e) {
      Answer known = answer;
      if (e instanceof TooLongException && known != null) {
        onAnswer.accept(known);
      } else {
        lookups.doubt(host);
        renewClient();
        onAnswer.accept(failure(e));
      }
    }
  }

  private void renewClient() {
    if (failures.incrementAndGet() % FAILURES_PER_CLIENT == 0) {
      // Builders drop what is known of addresses when they get another Dns.
      client = client.newBuilder().dns(Dns.SYSTEM).dns(lookups).build();
    }
  }

  /**
   * Reads an answer into {@code body}, so that the connection can be used again; returns false if
   * it is too long for that.
   */
  private static boolean drain(BufferedSource source, Buffer body) throws IOException {
    while (body.size() < MAX_ANSWER_BYTES) {
      if (source.read(body, MAX_ANSWER_BYTES - body.size()) < 0) {
        return true;
      }
    }
    return source.exhausted();
  }

  /** Other push servers answer with anything at all; only what the protocol says counts (§8). */
  private static boolean saysStale(Buffer body) {
    return body.size() <= MAX_STALE_BYTES && STALE.matcher(body.readUtf8()).matches();
  }

  private static Answer failure(IOException e) {
    log.debug("A request failed", e);
    if (isBarred(e)) {
      return new Answer.Barred(EndpointGuard.refusedAddress());
    }
    if (e instanceof InterruptedIOException // also SocketTimeoutException
        || e instanceof HostLookups.NoAnswerException) {
      return new Answer.Broken(
          Outcome.Cause.TIMEOUT, "The push server did not answer completely in time.");
    }
    if (e instanceof SSLException) {
      return new Answer.Broken(
          Outcome.Cause.TLS, "No TLS connection to the push server: " + name(e) + ".");
    }
    if (e instanceof UnknownHostException) {
      return new Answer.Broken(
          Outcome.Cause.NETWORK, "The host of the endpoint has no address, or none was found.");
    }
    return new Answer.Broken(
        Outcome.Cause.NETWORK, "No answer from the push server: " + name(e) + ".");
  }

  /** OkHttp may wrap what the resolver threw, or put it beside what another address threw. */
  private static boolean isBarred(Throwable e) {
    if (e instanceof EndpointGuard.BarredException) {
      return true;
    }
    for (Throwable beside : e.getSuppressed()) {
      if (isBarred(beside)) {
        return true;
      }
    }
    return e.getCause() != null && isBarred(e.getCause());
  }

  /** The exception's message would name the host. */
  private static String name(IOException e) {
    return e.getClass().getSimpleName();
  }

  @Override
  public void cancelAll() {
    lookups.stop();
    client.dispatcher().cancelAll();
  }
}
