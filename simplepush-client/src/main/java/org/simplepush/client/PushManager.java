package org.simplepush.client;

import java.net.URI;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.simplepush.client.internal.device.Handlers;

/**
 * What one application asks of the device (protocol §11). It sees its own endpoints only. Safe for
 * use by many threads; lives as long as its {@link PushClient}.
 *
 * <p>No call blocks. The futures complete on the client's callback executor, or fail with a {@link
 * PushException}; cancelling one does not recall the request. Chain to them. A handler that waits
 * for one ({@code register().get()}) needs a {@linkplain PushClient.Builder#callbackExecutor
 * callback executor} with another thread to complete it, as the default has; with a single thread
 * it never returns.
 *
 * @since 0.1
 */
public final class PushManager {
  private final PushClient client;
  private final String applicationId;

  PushManager(PushClient client, String applicationId) {
    this.client = client;
    this.applicationId = applicationId;
  }

  /** Returns the name under which the device knows this application. */
  public String applicationId() {
    return applicationId;
  }

  /**
   * Asks the push server for a new endpoint. The application passes it to its application server
   * and keeps it secret otherwise. It is stored before the future completes, and its first version
   * is handed over after that.
   *
   * <p>The device has the {@linkplain PushClient.Builder#requestTimeout request timeout} to get an
   * answer, on as many connections as that takes; then the future fails with {@code NETWORK_ERROR}.
   * If the server refuses it fails with {@code SERVER_ERROR}.
   *
   * @throws IllegalStateException if the client was never started
   */
  public CompletableFuture<URI> register() {
    CompletableFuture<URI> result = new CompletableFuture<>();
    client.ask(result, device -> device.register(applicationId, Adapters.reply(result)));
    return result.copy();
  }

  /**
   * Asks for a new endpoint without waiting for it: the request is stored, and tried until the push
   * server has answered it, even if the device is restarted in between. The application gets the
   * endpoint by {@link RegisteredHandler#onRegistered}. As long as that has not returned, asking
   * again with the same tag changes nothing.
   *
   * <p>The future completes when the request is stored.
   *
   * @param tag what the endpoint is for, in the application's words; 1 to 255 characters
   * @throws IllegalStateException if the client was never started, or the application is attached
   *     without a {@link RegisteredHandler}
   */
  public CompletableFuture<Void> registerWhenPossible(String tag) {
    if (tag.isEmpty() || tag.length() > 255) {
      throw new IllegalArgumentException(
          "A tag has 1 to 255 characters, but this one has " + tag.length());
    }
    client.requireHandler(applicationId, Handlers::registered, RegisteredHandler.class);
    CompletableFuture<Void> result = new CompletableFuture<>();
    client.ask(
        result, device -> device.registerWhenPossible(applicationId, tag, Adapters.reply(result)));
    return result.copy();
  }

  /**
   * Returns the application's endpoints, in the order in which they were registered. Needs no
   * connection.
   *
   * @throws IllegalStateException if the client was never started
   */
  public CompletableFuture<List<PushRegistration>> registrations() {
    CompletableFuture<List<PushRegistration>> result = new CompletableFuture<>();
    client.ask(
        result,
        device ->
            device.registrations(applicationId, Adapters.reply(result, Adapters::registrations)));
    return result.copy();
  }

  /**
   * Unregisters an endpoint. The future completes when the device has forgotten it. From then on no
   * version of it is handed over; a handler that is running is not interrupted. The push server
   * learns of it now or when there is a connection (protocol §10).
   *
   * <p>The endpoint may also be a lost one that has no successor yet; then it gets none, and no
   * handler is called for the loss any more. Fails with {@code NOT_FOUND_ERROR} if the application
   * has no such endpoint.
   *
   * @throws IllegalStateException if the client was never started
   */
  public CompletableFuture<Void> unregister(URI endpoint) {
    Objects.requireNonNull(endpoint, "endpoint");
    CompletableFuture<Void> result = new CompletableFuture<>();
    client.ask(
        result, device -> device.unregister(applicationId, endpoint, Adapters.reply(result)));
    return result.copy();
  }

  /**
   * Gives an endpoint a successor, because it is not to be trusted any more: somebody who learned
   * it published a version so high that every later one is stale (protocol §12), or may do so. The
   * device registers another endpoint as soon as there is a connection, even after a restart, and
   * hands the application both ({@link EndpointReplacedHandler}). When that has returned normally
   * the old endpoint is unregistered; until then it goes on working. Nothing that came for the old
   * one counts for the new one, whose versions may begin at any number.
   *
   * <p>The future completes when the request is stored. A second request for an endpoint whose
   * successor is on the way changes nothing. An endpoint of which the application has not confirmed
   * yet that it knows it is simply exchanged: the same handler gets another one. Fails with {@code
   * NOT_FOUND_ERROR} if the application has no such endpoint, or uses another one in its place by
   * now.
   *
   * @throws IllegalStateException if the client was never started, or the application is attached
   *     without an {@link EndpointReplacedHandler}
   */
  public CompletableFuture<Void> replace(URI endpoint) {
    Objects.requireNonNull(endpoint, "endpoint");
    client.requireHandler(applicationId, Handlers::replaced, EndpointReplacedHandler.class);
    CompletableFuture<Void> result = new CompletableFuture<>();
    client.ask(result, device -> device.replace(applicationId, endpoint, Adapters.reply(result)));
    return result.copy();
  }

  /**
   * The application stops: its handler is not called any more, except that a call that runs now is
   * not interrupted. Its registrations stay. Messages wait until it is attached again, or the
   * device's {@link ApplicationLauncher} starts it for them. Harmless if it is not attached.
   */
  public void detach() {
    client.detach(applicationId);
  }

  @Override
  public String toString() {
    return "PushManager[" + applicationId + "]";
  }
}
