package org.simplepush.server.internal.endpoint;

import java.nio.ByteBuffer;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.VersionStore;
import org.simplepush.core.VersionStore.Advance;
import org.simplepush.server.EndpointHandler;
import org.simplepush.server.internal.Counters;
import org.simplepush.server.internal.EndpointTokens;
import org.simplepush.server.internal.session.SessionRegistry;

/**
 * Publishes what application servers PUT to endpoints (protocol §8). Safe for use by many threads.
 */
public final class VersionEndpoint implements EndpointHandler {
  private static final int MAX_BODY_LENGTH = 4 * 1024;

  private static final String FORM = "application/x-www-form-urlencoded";

  private final VersionStore store;
  private final EndpointTokens tokens;
  private final Delivery deliverInline;
  private final Delivery deliverLater;
  private final RateLimit rateLimit;
  private final Cors cors;
  private final InstantSource clock;
  private final Counters counters;
  private volatile State state = State.NEW;

  /** Hands an update to the session of a user agent. */
  private interface Delivery {
    void deliver(Uaid uaid, Update update);
  }

  private enum State {
    /** Not started yet: 503. */
    NEW,
    OPEN,
    /** Updates are accepted; each answer is the last on its connection. */
    DRAINING,
    /** 503, and the last answer on its connection. */
    CLOSED;

    boolean acceptsUpdates() {
      return this == OPEN || this == DRAINING;
    }

    boolean endsConnections() {
      return this == DRAINING || this == CLOSED;
    }
  }

  public VersionEndpoint(
      VersionStore store,
      EndpointTokens tokens,
      SessionRegistry sessions,
      RateLimit rateLimit,
      Set<String> allowedOrigins,
      InstantSource clock,
      Counters counters) {
    this.store = store;
    this.tokens = tokens;
    this.deliverInline = sessions::deliverInline;
    this.deliverLater = sessions::deliver;
    this.rateLimit = rateLimit;
    this.cors = new Cors(allowedOrigins);
    this.clock = clock;
    this.counters = counters;
  }

  @Override
  public int bodyLimit() {
    return MAX_BODY_LENGTH;
  }

  @Override
  public CompletionStage<Response> handle(Request request) {
    CompletionStage<Response> response;
    try {
      response = publish(request);
    } catch (Refused refused) {
      counters.updatesRefused.increment();
      response = completed(refused.response);
    }
    String origin = cors.allowedOrigin(request);
    return origin == null ? response : response.thenApply(answer -> Cors.show(answer, origin));
  }

  private CompletionStage<Response> publish(Request request) throws Refused {
    if (!state.acceptsUpdates()) {
      return completed(Answers.unavailable("The server is not running; try again later"));
    }
    int prefix = request.path().lastIndexOf(EndpointTokens.PATH);
    if (prefix < 0) {
      throw new Refused(Answers.error(404, "No such endpoint"));
    }
    if (request.method().equals("OPTIONS")) {
      return completed(Answers.options());
    }
    if (!request.method().equals("PUT")) {
      throw new Refused(
          Answers.error(405, "An endpoint is notified with PUT", Map.of("Allow", Answers.METHODS)));
    }
    EndpointTokens.Channel channel =
        tokens.open(request.path().substring(prefix + EndpointTokens.PATH.length()));
    if (channel == null) {
      if (tokens.isCertain()) {
        throw new Refused(Answers.error(404, "No such endpoint"));
      }
      tokens.makeCertain(); // for the next request; strangers cause no more than one at a time
      return CompletableFuture.completedStage(
          Answers.unavailable("The keys of this server are being checked; try again later"));
    }
    checkContentType(request.header("Content-Type"));
    if (request.body().remaining() > MAX_BODY_LENGTH) {
      throw new Refused(
          Answers.error(413, "The body is larger than " + MAX_BODY_LENGTH + " bytes"));
    }
    if (request.query() != null) {
      throw new Refused(Answers.error(400, "The version goes into the body, not into the URL"));
    }
    long version = version(request);
    int retryAfter = rateLimit.acquire(channel);
    if (retryAfter > 0) {
      throw new Refused(
          Answers.error(
              429,
              "Too many updates for this endpoint; try again later",
              Map.of("Retry-After", String.valueOf(retryAfter))));
    }
    CompletableFuture<Advance> advanced = advance(channel, version).toCompletableFuture();
    // What the store completes later, it does on a thread of its own, perhaps under a lock.
    Delivery delivery = advanced.isDone() ? deliverInline : deliverLater;
    return advanced.handle(
        (result, failure) -> lastIfClosing(answer(channel, result, failure, delivery)));
  }

  private CompletionStage<Advance> advance(EndpointTokens.Channel channel, long version) {
    try {
      return version == VersionForm.NO_VERSION
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
      Delivery delivery) {
    if (result instanceof Advance.Advanced advanced) {
      counters.updatesAccepted.increment();
      if (advanced.collapsed()) {
        counters.updatesCollapsed.increment();
      }
      // A shared store sends a hint to the user agent's node, perhaps this one, too: a session
      // notes a version once. Only that hint is left if the store failed and yet did the step.
      delivery.deliver(channel.uaid(), advanced.update());
      return Answers.ACCEPTED;
    }
    if (result instanceof Advance.Repeated) {
      counters.updatesRepeated.increment();
      return Answers.ACCEPTED;
    }
    if (result instanceof Advance.Stale) {
      counters.updatesStale.increment();
      return Answers.STALE;
    }
    if (result instanceof VersionStore.Unknown) {
      counters.updatesGone.increment();
      return Answers.error(
          410, "The application unregistered this endpoint, or its device is gone");
    }
    counters.storeFailures.report("PUT", failure);
    return Answers.unavailable("The update was not accepted; try again later");
  }

  private static void checkContentType(@Nullable String contentType) throws Refused {
    if (contentType == null || contentType.equals(FORM)) {
      return;
    }
    String type = contentType.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
    if (!type.isEmpty() && !type.equals(FORM) && !type.equals("text/plain")) {
      throw new Refused(Answers.error(415, "The Content-Type must be " + FORM + " or absent"));
    }
  }

  /** Returns the version that was sent, or {@link VersionForm#NO_VERSION} if surely none was. */
  private long version(Request request) throws Refused {
    try {
      ByteBuffer body = request.body();
      if (body.hasRemaining()) {
        return VersionForm.parse(body);
      }
      if (!request.bodyAnnounced()) {
        return VersionForm.NO_VERSION;
      }
      Map<String, List<String>> parameters = request.parameters();
      if (parameters.isEmpty()) {
        counters.consumedBodies.report();
        throw new Refused(
            Answers.error(500, "The body of the request did not reach the push server"));
      }
      return VersionForm.parse(parameters);
    } catch (VersionForm.Malformed e) {
      throw new Refused(Answers.error(400, e.sentence));
    }
  }

  /** From now on updates are accepted. */
  public void open() {
    state = State.OPEN;
  }

  /** From now on answers ask the sender to connect elsewhere; updates are still accepted. */
  public void drain() {
    state = State.DRAINING;
  }

  /** From now on every request gets 503. */
  public void close() {
    state = State.CLOSED;
  }

  private CompletionStage<Response> completed(Response response) {
    return CompletableFuture.completedStage(lastIfClosing(response));
  }

  private Response lastIfClosing(Response response) {
    return state.endsConnections()
        ? Answers.with(response, Map.of("Connection", "close"))
        : response;
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
