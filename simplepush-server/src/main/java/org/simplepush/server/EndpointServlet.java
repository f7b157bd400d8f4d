package org.simplepush.server;

import jakarta.servlet.AsyncContext;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts an {@link EndpointHandler} into a Jakarta Servlet container, asynchronously: no thread of
 * the container waits for the store. Map it to {@code /update/*}, with async supported, and tell
 * the server under which URL the container serves it: {@link PushServer.Builder#endpointUrl}.
 *
 * <p>Filters in front of it may read the body of an update, as Spring Boot's form filter does. Then
 * the version is taken from the parameters of the request; if there are none, the answer is 500 and
 * the log says what to do. That is also the answer to a request over HTTP/2 that has neither a body
 * nor a {@code Content-Length}: here it looks the same.
 *
 * <p>A thread of the container waits for the body of a request, which comes with its head as a
 * rule: 64 of them at most, beyond that the answer is 503, and for 10 seconds and one read, then it
 * is 408. How long a read or a head may take, and how many connections there may be, is the
 * container's to bound ({@code connectionTimeout}, {@code maxConnections} or {@code idleTimeout}).
 * So are its logs: those of Jetty tell what is sent as a host, see {@code JettyEndpointServer}.
 *
 * <p>Needs jakarta.servlet-api, an optional dependency of this module.
 *
 * @since 0.1
 */
@SuppressWarnings("exports") // who uses this class has that module
public class EndpointServlet extends HttpServlet {
  private static final long serialVersionUID = 1;

  private static final Logger log = LoggerFactory.getLogger(EndpointServlet.class);

  /** A body that comes byte by byte is not waited for any longer. */
  private static final long BODY_NANOS = TimeUnit.SECONDS.toNanos(10);

  /** So many threads of the container may wait for bodies at once; most wait for none. */
  private static final int MAX_SLOW_BODIES = 64;

  private static final int USUAL_BODY = 64;

  private final transient EndpointHandler handler;
  private final transient Semaphore bodies = new Semaphore(MAX_SLOW_BODIES);

  /** Serves the endpoints of one {@link PushServer}: see {@link PushServer#endpointHandler()}. */
  public EndpointServlet(EndpointHandler handler) {
    this.handler = handler;
  }

  @Override
  protected void service(HttpServletRequest request, HttpServletResponse response)
      throws IOException {
    byte[] body;
    if (!bodies.tryAcquire()) {
      refuse(response, 503, "Too many slow requests; try again later");
      return;
    }
    try {
      body = read(request.getInputStream(), handler.bodyLimit() + 1);
    } finally {
      bodies.release();
    }
    if (body == null) {
      refuse(response, 408, "The request did not come in time");
      return;
    }
    boolean http1 = isHttp1(request);
    AsyncContext async = request.startAsync();
    // The store ends every step. The container's own timeout would answer 500, perhaps for an
    // update that was accepted.
    async.setTimeout(0);
    handler
        .handle(new Received(request, ByteBuffer.wrap(body)))
        .thenAccept(
            answer -> {
              try {
                answer
                    .headers()
                    .forEach(
                        (name, value) -> {
                          if (http1 || !name.equals("Connection")) {
                            response.setHeader(name, value);
                          }
                        });
                response.setStatus(answer.status());
                byte[] text = answer.body().getBytes(StandardCharsets.US_ASCII);
                response.setContentLength(text.length);
                response.getOutputStream().write(text);
              } catch (IOException e) {
                log.debug("An application server did not wait for its answer", e);
              } finally {
                async.complete();
              }
            });
  }

  /** Returns the body or its first bytes, or null if it takes too long. */
  private static byte @Nullable [] read(InputStream in, int most) throws IOException {
    long start = System.nanoTime();
    byte[] buffer = new byte[USUAL_BODY];
    int length = 0;
    while (length < most) {
      if (length == buffer.length) {
        buffer = Arrays.copyOf(buffer, Math.min(most, 4 * length));
      }
      int read = in.read(buffer, length, buffer.length - length);
      if (read < 0) {
        break;
      }
      length += read;
      if (System.nanoTime() - start > BODY_NANOS) {
        return null;
      }
    }
    return Arrays.copyOf(buffer, length);
  }

  private static void refuse(HttpServletResponse response, int status, String sentence)
      throws IOException {
    response.setStatus(status);
    response.setHeader("Retry-After", "5");
    response.setContentType("application/json");
    byte[] text =
        ("{\"status\":" + status + ",\"error\":\"" + sentence + "\"}")
            .getBytes(StandardCharsets.US_ASCII);
    response.setContentLength(text.length);
    response.getOutputStream().write(text);
  }

  private static boolean isHttp1(HttpServletRequest request) {
    return request.getProtocol().startsWith("HTTP/1");
  }

  /** A request that passed through the filters of the container. */
  private record Received(HttpServletRequest request, ByteBuffer body)
      implements EndpointHandler.Request {
    @Override
    public String method() {
      return request.getMethod();
    }

    @Override
    public String path() {
      return request.getRequestURI();
    }

    @Override
    public @Nullable String query() {
      return request.getQueryString();
    }

    @Override
    public List<String> headers(String name) {
      return Collections.list(request.getHeaders(name));
    }

    @Override
    public @Nullable String header(String name) {
      return request.getHeader(name);
    }

    /** Asking the stream whether it is finished would not do: filters wrap it, and some lie. */
    @Override
    public boolean bodyAnnounced() {
      long length = request.getContentLengthLong();
      if (length >= 0) {
        return length > 0;
      }
      return !isHttp1(request) || request.getHeader("Transfer-Encoding") != null;
    }

    /** The body was read before, so this reads nothing. */
    @Override
    public Map<String, List<String>> parameters() {
      Map<String, List<String>> parameters = new LinkedHashMap<>();
      request.getParameterMap().forEach((name, values) -> parameters.put(name, List.of(values)));
      return parameters;
    }
  }
}
