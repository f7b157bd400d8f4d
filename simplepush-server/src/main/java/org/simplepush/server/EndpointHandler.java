package org.simplepush.server;

import java.net.URLDecoder;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.Update;
import org.simplepush.core.VersionStore;
import org.simplepush.core.VersionStore.Advance;

/**
 * Answers requests of application servers to endpoints (protocol §8), whatever HTTP server they
 * come through. {@link PushServer} serves it itself by default; {@link EndpointServlet} puts it
 * into a servlet container; for another HTTP server, call {@link #handle} from there.
 *
 * <p>Safe for use by many threads.
 */
public final class EndpointHandler {
  /** The largest body that can be right. Read one byte more, so that a larger one is noticed. */
  public static final int MAX_BODY_LENGTH = 4 * 1024;

  /** What an endpoint's path has between the server's base and the token. */
  static final String PATH = "/update/";

  private static final String METHODS = "PUT, OPTIONS";

  private static final String FORM = "application/x-www-form-urlencoded";

  /** What {@link #parseVersion} says of a body without a version. */
  private static final long SERVER_PICKS = -1;

  /** What {@link #plainVersion} says of a body that needs a closer look. */
  private static final long NOT_PLAIN = -2;

  private static final byte[] VERSION_FIELD = "version=".getBytes(StandardCharsets.US_ASCII);

  private static final Response ACCEPTED = json(200, "{}", Map.of());

  private static final Response STALE = json(200, "{\"stale\":true}", Map.of());

  private final VersionStore store;
  private final EndpointTokens tokens;
  private final SessionRegistry sessions;
  private final RateLimit rateLimit;
  private final Set<String> allowedOrigins;
  private final InstantSource clock;
  private final Counters counters;
  private volatile boolean open;

  EndpointHandler(
      VersionStore store,
      EndpointTokens tokens,
      SessionRegistry sessions,
      RateLimit rateLimit,
      Set<String> allowedOrigins,
      InstantSource clock,
      Counters counters) {
    this.store = store;
    this.tokens = tokens;
    this.sessions = sessions;
    this.rateLimit = rateLimit;
    this.allowedOrigins = allowedOrigins;
    this.clock = clock;
    this.counters = counters;
  }

  /**
   * An HTTP request.
   *
   * @param method as sent
   * @param path as sent, not decoded, without query
   * @param query as sent, or null
   * @param contentType the header, or null
   * @param origin the header, or null
   * @param body at least the first {@link #MAX_BODY_LENGTH} + 1 bytes, if there are as many; not
   *     looked at after {@link #handle} has returned
   */
  public record Request(
      String method,
      String path,
      @Nullable String query,
      @Nullable String contentType,
      @Nullable String origin,
      ByteBuffer body) {
    /** Leaves the path out: it is a secret. */
    @Override
    public String toString() {
      return "Request[" + method + ", body of " + body.remaining() + " bytes]";
    }
  }

  /**
   * The HTTP answer.
   *
   * @param headers by name; {@code Content-Type} among them if there is a body
   * @param body what to send, in ASCII; empty with status 204
   */
  public record Response(int status, Map<String, String> headers, String body) {}

  /**
   * Answers one request. The stage completes when the update is as durable as the store makes it,
   * on a thread of the store's choosing, or at once; it never fails. Do not block that thread.
   */
  public CompletionStage<Response> handle(Request request) {
    CompletionStage<Response> response;
    try {
      response = publish(request);
    } catch (Refused refused) {
      counters.updatesRefused.increment();
      response = CompletableFuture.completedStage(refused.response);
    }
    String origin = request.origin();
    if (origin == null || !mayCross(origin)) {
      return response;
    }
    return response.thenApply(answer -> allowOrigin(answer, origin));
  }

  private CompletionStage<Response> publish(Request request) throws Refused {
    if (!open) {
      return CompletableFuture.completedStage(
          unavailable("The server is not running; try again later"));
    }
    int prefix = request.path().lastIndexOf(PATH);
    if (prefix < 0) {
      throw new Refused(error(404, "No such endpoint"));
    }
    if (request.method().equals("OPTIONS")) {
      return CompletableFuture.completedStage(options());
    }
    if (!request.method().equals("PUT")) {
      throw new Refused(error(405, "An endpoint is notified with PUT", Map.of("Allow", METHODS)));
    }
    EndpointTokens.Channel channel = tokens.open(request.path().substring(prefix + PATH.length()));
    if (channel == null) {
      if (tokens.isCertain()) {
        throw new Refused(error(404, "No such endpoint"));
      }
      tokens.makeCertain(); // for the next request; strangers cause no more than one at a time
      return CompletableFuture.completedStage(
          unavailable("The keys of this server are being checked; try again later"));
    }
    checkContentType(request.contentType());
    if (request.body().remaining() > MAX_BODY_LENGTH) {
      throw new Refused(error(413, "The body is larger than " + MAX_BODY_LENGTH + " bytes"));
    }
    if (request.query() != null) {
      throw new Refused(error(400, "The version goes into the body, not into the URL"));
    }
    long version = parseVersion(request.body());
    int retryAfter = rateLimit.acquire(channel);
    if (retryAfter > 0) {
      throw new Refused(
          error(
              429,
              "Too many updates for this endpoint; try again later",
              Map.of("Retry-After", String.valueOf(retryAfter))));
    }
    CompletableFuture<Advance> advanced = advance(channel, version).toCompletableFuture();
    // What the store completes later, it does on a thread of its own, perhaps under a lock.
    boolean here = advanced.isDone();
    return advanced.handle((result, failure) -> answer(channel, result, failure, here));
  }

  private CompletionStage<Advance> advance(EndpointTokens.Channel channel, long version) {
    try {
      return version == SERVER_PICKS
          ? store.advanceToNext(
              channel.uaid(),
              channel.channelId(),
              Math.max(0, clock.millis())) // a clock before 1970
          : store.advance(channel.uaid(), channel.channelId(), version);
    } catch (RuntimeException e) {
      return CompletableFuture.failedStage(e); // a store that breaks its contract
    }
  }

  private Response answer(
      EndpointTokens.Channel channel,
      @Nullable Advance result,
      @Nullable Throwable failure,
      boolean here) {
    if (result instanceof Advance.Advanced advanced) {
      counters.updatesAccepted.increment();
      if (advanced.collapsed()) {
        counters.updatesCollapsed.increment();
      }
      // A shared store sends word to the user agent's node, perhaps this one, too: a session notes
      // a version once. Only that word is left if the store failed and yet did the step.
      sessions.deliver(channel.uaid(), advanced.update(), here);
      return ACCEPTED;
    }
    if (result instanceof Advance.Repeated) {
      counters.updatesRepeated.increment();
      return ACCEPTED;
    }
    if (result instanceof Advance.Stale) {
      counters.updatesStale.increment();
      return STALE;
    }
    if (result instanceof Advance.Unknown) {
      counters.updatesGone.increment();
      return error(410, "The application unregistered this endpoint, or its device is gone");
    }
    counters.storeFailures.report("PUT", failure);
    return unavailable("The update was not accepted; try again later");
  }

  private static void checkContentType(@Nullable String contentType) throws Refused {
    if (contentType == null || contentType.equals(FORM)) {
      return;
    }
    String type = contentType.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
    if (!type.isEmpty() && !type.equals(FORM) && !type.equals("text/plain")) {
      throw new Refused(error(415, "The Content-Type must be " + FORM + " or absent"));
    }
  }

  /** Returns the version that a form gives, or {@link #SERVER_PICKS}. */
  private static long parseVersion(ByteBuffer body) throws Refused {
    long version = plainVersion(body);
    return version == NOT_PLAIN ? parseForm(body) : version;
  }

  /** Reads the body that nearly all senders write; every other is left to {@link #parseForm}. */
  private static long plainVersion(ByteBuffer body) {
    int start = body.position();
    int end = body.limit();
    int digits = end - start - VERSION_FIELD.length;
    if (digits < 1 || digits > 18) { // 19 may be too many for a long
      return NOT_PLAIN;
    }
    for (byte expected : VERSION_FIELD) {
      if (body.get(start++) != expected) {
        return NOT_PLAIN;
      }
    }
    long version = 0;
    while (start < end) {
      int digit = body.get(start++) - '0';
      if (digit < 0 || digit > 9) {
        return NOT_PLAIN;
      }
      version = version * 10 + digit;
    }
    return version;
  }

  private static long parseForm(ByteBuffer body) throws Refused {
    long version = SERVER_PICKS;
    for (String field : withoutLineEnd(text(body)).split("&", -1)) {
      if (field.isEmpty()) {
        continue;
      }
      int equals = field.indexOf('=');
      if (equals < 0 || !decoded(field.substring(0, equals)).equals("version")) {
        throw new Refused(error(400, "The body holds something other than version=N"));
      }
      if (version != SERVER_PICKS) {
        throw new Refused(error(400, "The version is given twice"));
      }
      Long number = Update.parseVersion(decoded(field.substring(equals + 1)));
      if (number == null) {
        throw new Refused(error(400, "The version must be 0 to 2^63-1 in plain digits"));
      }
      version = number;
    }
    return version;
  }

  /** What an editor or a shell adds to a body; any other space is not a plain digit. */
  private static String withoutLineEnd(String text) {
    int end = text.length();
    while (end > 0 && (text.charAt(end - 1) == '\n' || text.charAt(end - 1) == '\r')) {
      end--;
    }
    return text.substring(0, end);
  }

  private static String text(ByteBuffer body) throws Refused {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(body.duplicate()).toString();
    } catch (CharacterCodingException e) {
      throw new Refused(error(400, "The body is not UTF-8"));
    }
  }

  private static String decoded(String text) throws Refused {
    try {
      return URLDecoder.decode(text, StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw new Refused(error(400, "The body is not a URL-encoded form"));
    }
  }

  /** From now on updates are accepted. */
  void open() {
    open = true;
  }

  /** From now on every request gets 503. */
  void close() {
    open = false;
  }

  private boolean mayCross(String origin) {
    return allowedOrigins.contains(origin) || allowedOrigins.contains("*");
  }

  private static Response allowOrigin(Response response, String origin) {
    Map<String, String> headers = new LinkedHashMap<>(response.headers());
    headers.put("Access-Control-Allow-Origin", origin);
    headers.put("Access-Control-Allow-Methods", METHODS);
    headers.put("Access-Control-Allow-Headers", "Content-Type");
    headers.put("Vary", "Origin");
    return new Response(response.status(), headers, response.body());
  }

  private static Response options() {
    return new Response(204, Map.of("Allow", METHODS), "");
  }

  private static Response unavailable(String sentence) {
    return error(503, sentence, Map.of("Retry-After", "5"));
  }

  private static Response error(int status, String sentence) {
    return error(status, sentence, Map.of());
  }

  /** The sentences are our own: none needs escaping. */
  private static Response error(int status, String sentence, Map<String, String> headers) {
    return json(status, "{\"status\":" + status + ",\"error\":\"" + sentence + "\"}", headers);
  }

  private static Response json(int status, String body, Map<String, String> more) {
    Map<String, String> headers = new LinkedHashMap<>(more);
    headers.put("Content-Type", "application/json");
    return new Response(status, headers, body);
  }

  /** Ends a request that bears no update. */
  private static final class Refused extends Exception {
    private static final long serialVersionUID = 1;

    private final transient Response response;

    Refused(Response response) {
      super(null, null, false, false);
      this.response = response;
    }
  }
}
