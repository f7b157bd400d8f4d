package org.simplepush.appserver;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.Proxy;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.ExecutorService;
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
import okio.Buffer;
import okio.BufferedSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One PUT at a time over OkHttp. Thread-safe; holds no state but the client's. */
final class OkHttpTransport implements Transport {
  private static final Logger log = LoggerFactory.getLogger(OkHttpTransport.class);

  /** A push server's answer is a few bytes; this much of a longer one is read. */
  static final int MAX_ANSWER_BYTES = 4096;

  /** A longer answer does not say that the version is stale. */
  private static final int MAX_STALE_BYTES = 64;

  private static final Pattern STALE =
      Pattern.compile("\\s*\\{\\s*\"stale\"\\s*:\\s*true\\s*}\\s*");

  private static final MediaType FORM = MediaType.get("application/x-www-form-urlencoded");
  private static final RequestBody NOTHING = RequestBody.create(new byte[0]);

  private final OkHttpClient client;
  private final InstantSource wallClock;

  OkHttpTransport(OkHttpClient client, InstantSource wallClock) {
    this.client = client;
    this.wallClock = wallClock;
  }

  /**
   * Returns what every client of ours has in common: no redirects, no credentials, no proxy that
   * would look names up where we cannot check them, and no limits of its own on how many requests
   * run, because those are set per host elsewhere.
   */
  static OkHttpClient.Builder newClient(ExecutorService executor, Dns dns) {
    Dispatcher dispatcher = new Dispatcher(executor);
    dispatcher.setMaxRequests(Integer.MAX_VALUE);
    dispatcher.setMaxRequestsPerHost(Integer.MAX_VALUE);
    return new OkHttpClient.Builder()
        .dispatcher(dispatcher)
        .dns(dns)
        .proxy(Proxy.NO_PROXY)
        .addNetworkInterceptor(OkHttpTransport::hideRetryAfter)
        .followRedirects(false)
        .followSslRedirects(false);
  }

  /**
   * OkHttp repeats a request that was answered with 503 and {@code Retry-After: 0} by itself, at
   * once. When to repeat is decided elsewhere, so the header travels on under another name.
   */
  private static Response hideRetryAfter(Interceptor.Chain chain) throws IOException {
    Response response = chain.proceed(chain.request());
    String value = response.header("Retry-After");
    return value == null
        ? response
        : response
            .newBuilder()
            .removeHeader("Retry-After")
            .header(RetryAfter.HEADER, value)
            .build();
  }

  @Override
  public void put(HttpUrl endpoint, long version, Consumer<Answer> onAnswer) {
    RequestBody body =
        version == NO_VERSION
            ? NOTHING
            : RequestBody.create(("version=" + version).getBytes(StandardCharsets.US_ASCII), FORM);
    Request request =
        new Request.Builder()
            .url(endpoint)
            .header("User-Agent", "simplepush-java")
            // Without this OkHttp asks for gzip, and 4 KiB could become more.
            .header("Accept-Encoding", "identity")
            .put(body)
            .build();
    client
        .newCall(request)
        .enqueue(
            new Callback() {
              @Override
              public void onFailure(Call call, IOException e) {
                onAnswer.accept(failure(e));
              }

              @Override
              public void onResponse(Call call, Response response) {
                onAnswer.accept(read(call, response));
              }
            });
  }

  private Answer read(Call call, Response response) {
    try (response) {
      Duration retryAfter = RetryAfter.of(response, wallClock);
      Buffer body = new Buffer();
      if (!drain(response.body().source(), body)) {
        call.cancel(); // closing alone would go on reading for a while, to save the connection
      }
      return new Answer.Status(response.code(), retryAfter, saysStale(body));
    } catch (IOException e) {
      // The status came, but the answer did not end: it counts, like a broken connection, for
      // nothing. A push server that confirms a version finishes its sentence.
      return failure(e);
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
    if (e instanceof InterruptedIOException) { // also SocketTimeoutException
      return new Answer.Broken(
          Verdict.Cause.TIMEOUT, "The push server did not answer completely in time.");
    }
    if (e instanceof SSLException) {
      return new Answer.Broken(
          Verdict.Cause.TLS, "No TLS connection to the push server: " + name(e) + ".");
    }
    if (e instanceof UnknownHostException) {
      return new Answer.Broken(
          Verdict.Cause.NETWORK, "The host of the endpoint has no address, or none was found.");
    }
    return new Answer.Broken(
        Verdict.Cause.NETWORK, "No answer from the push server: " + name(e) + ".");
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
    client.dispatcher().cancelAll();
  }
}
