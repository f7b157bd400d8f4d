package org.simplepush.server;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Answers requests of application servers to endpoints (protocol §8), whatever HTTP server they
 * come through. {@link PushServer} serves it itself by default; {@link EndpointServlet} puts it
 * into a servlet container; for another HTTP server, call {@link #handle} from there with a {@link
 * Request} of yours.
 *
 * <p><strong>Beware of what reads the body before you.</strong> To an update without a body the
 * server gives a version itself, the current time. If something in front of you has read the body,
 * say a filter that looks for form parameters, then {@code version=7} looks like no body, and after
 * the time has been taken for a version every real version is too low to be delivered. So {@link
 * Request#bodyAnnounced} says whether there was a body, and {@link Request#parameters} what became
 * of it. The handler never picks a version unless it is sure that none was sent: it takes the
 * version from the parameters, or answers 500 and logs the likely cause.
 *
 * <p>Safe for use by many threads.
 *
 * @since 0.1
 */
public interface EndpointHandler {
  /**
   * Answers one request. The stage completes when the update is as durable as the store makes it,
   * on a thread of the store's choosing, or at once; it never fails. Do not block that thread.
   */
  CompletionStage<Response> handle(Request request);

  /**
   * Returns the length in bytes of the largest body that can be right. Read one byte more, so that
   * a larger one is noticed, and no more than that.
   */
  int bodyLimit();

  /**
   * An HTTP request, as your HTTP server presents it. The handler asks only until {@link #handle}
   * has returned, and only on the thread that called it.
   */
  interface Request {
    /** Returns the method as sent, such as {@code PUT}. */
    String method();

    /** Returns the path as sent, not decoded, without the query. It is a secret: do not log it. */
    String path();

    /** Returns the query as sent, without the question mark, or null if there is none. */
    @Nullable String query();

    /**
     * Returns the values of a header, in the order sent; empty if it was not sent.
     *
     * @param name in any case
     */
    List<String> headers(String name);

    /**
     * Returns the first value of a header, or null if it was not sent.
     *
     * <p>By default, asks {@link #headers}. Override it if your server has this value without a
     * list.
     *
     * @param name in any case
     */
    default @Nullable String header(String name) {
      List<String> values = headers(name);
      return values.isEmpty() ? null : values.get(0);
    }

    /**
     * Returns the body: all of it, or at least its first {@link EndpointHandler#bodyLimit} + 1
     * bytes. A body that breaks off must not get here.
     */
    ByteBuffer body();

    /**
     * Returns whether the client may have sent a body, though {@link #body} is empty. It is asked
     * only then.
     *
     * <p>If you read the socket yourself, or nothing can come in between, an empty body is one:
     * return false. Else return whether the head announces a body, as it does by a {@code
     * Content-Length} above 0, or leaves it open, as it does by {@code Transfer-Encoding}, or by no
     * {@code Content-Length} in HTTP/2.
     */
    boolean bodyAnnounced();

    /**
     * Returns the parameters of the form that the body was, each with its values, if something has
     * read it as one; empty if that is not known. It is asked only if {@link #body} is empty,
     * {@link #bodyAnnounced} is true and there is no {@link #query}, whose parameters would be
     * among them.
     *
     * <p>By default, empty: then such a request is answered with 500.
     */
    default Map<String, List<String>> parameters() {
      return Map.of();
    }
  }

  /**
   * The HTTP answer.
   *
   * @param headers by name; {@code Content-Type} among them if there is a body. While the server
   *     closes, {@code Connection: close} is among them: end the connection after the answer, so
   *     that its next request is not lost. Leave that header out in HTTP/2, which has none.
   * @param body what to send, in ASCII; empty with status 204
   */
  record Response(int status, Map<String, String> headers, String body) {}
}
