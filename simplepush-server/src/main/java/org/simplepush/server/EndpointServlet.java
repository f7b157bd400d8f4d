package org.simplepush.server;

import jakarta.servlet.AsyncContext;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts an {@link EndpointHandler} into a Jakarta Servlet container, asynchronously: no thread of
 * the container waits for the store. Map it to {@code /update/*}, with async supported, and tell
 * the server under which URL the container serves it: {@link PushServer.Builder#endpointUrl}.
 *
 * <p>Needs jakarta.servlet-api, an optional dependency of this module.
 */
@SuppressWarnings("exports") // who uses this class has that module
public class EndpointServlet extends HttpServlet {
  private static final long serialVersionUID = 1;

  private static final Logger log = LoggerFactory.getLogger(EndpointServlet.class);

  private final transient EndpointHandler handler;

  /** Serves the endpoints of one {@link PushServer}: see {@link PushServer#endpointHandler()}. */
  public EndpointServlet(EndpointHandler handler) {
    this.handler = handler;
  }

  @Override
  protected void service(HttpServletRequest request, HttpServletResponse response)
      throws IOException {
    byte[] body = request.getInputStream().readNBytes(EndpointHandler.MAX_BODY_LENGTH + 1);
    EndpointHandler.Request asked =
        new EndpointHandler.Request(
            request.getMethod(),
            request.getRequestURI(),
            request.getQueryString(),
            request.getContentType(),
            request.getHeader("Origin"),
            ByteBuffer.wrap(body));
    AsyncContext async = request.startAsync();
    handler
        .handle(asked)
        .thenAccept(
            answer -> {
              try {
                answer.headers().forEach(response::setHeader);
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
}
