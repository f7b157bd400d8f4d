package org.simplepush.server.jetty;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.eclipse.jetty.http.HttpField;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.io.EofException;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;
import org.simplepush.server.EndpointHandler;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hands requests to an {@link EndpointHandler} and its answers back. Nothing here blocks, so Jetty
 * runs it on the thread that read the request; an answer is written by the thread that has it.
 */
final class EndpointRequests extends Handler.Abstract.NonBlocking {
  private static final Logger log = LoggerFactory.getLogger(EndpointRequests.class);

  /** Each takes a hundred bytes of heap, however short it is. */
  private static final int MAX_FIELDS = 64;

  /** What Jetty holds for a request besides its head and its body. */
  private static final int REQUEST_BYTES = 4 * 1024;

  private static final int HEAP_BYTES_PER_FIELD = 128;

  private static final ByteBuffer EMPTY = ByteBuffer.allocate(0);

  private final EndpointHandler handler;
  private final int bodyLimit;

  /** Stands for every body that is too large, which is not read. */
  private final ByteBuffer tooLarge;

  private final AtomicInteger inProgress = new AtomicInteger();
  private final CompletableFuture<Void> drained = new CompletableFuture<>();
  private volatile boolean draining;

  EndpointRequests(EndpointHandler handler) {
    this.handler = handler;
    this.bodyLimit = handler.bodyLimit();
    this.tooLarge = ByteBuffer.allocate(bodyLimit + 1).asReadOnlyBuffer();
  }

  @Override
  public boolean handle(Request request, Response response, Callback callback) {
    inProgress.incrementAndGet();
    RequestEndPoint.heard(request);
    new Exchange(request, response, callback).run();
    return true;
  }

  private void finished() {
    if (inProgress.decrementAndGet() == 0 && draining) {
      drained.complete(null);
    }
  }

  /** Waits until no request is in progress, but no longer than that. */
  void drain(Duration patience) {
    draining = true;
    if (inProgress.get() == 0) {
      drained.complete(null);
    }
    drained.completeOnTimeout(null, patience.toMillis(), TimeUnit.MILLISECONDS).join();
  }

  /** Answers what Jetty refuses by itself, like a request that is not HTTP, as we would. */
  static boolean answerError(Request request, Response response, Callback callback) {
    int status = response.getStatus();
    response.getHeaders().put(HttpHeader.CONTENT_TYPE, "application/json");
    String body = "{\"status\":" + status + ",\"error\":\"" + HttpStatus.getMessage(status) + "\"}";
    response.write(true, ascii(body), callback);
    return true;
  }

  private static ByteBuffer ascii(String text) {
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
  }

  /** One request, from its head to the end of its answer. */
  private final class Exchange extends Callback.Nested
      implements Runnable, EndpointHandler.Request {
    private final Request request;
    private final Response response;

    /** What came so far of a body that comes in pieces; in the end what there is of it. */
    private ByteBuffer body = EMPTY;

    /** How many bytes are noted as held by a request that is waited for. */
    private int held;

    Exchange(Request request, Response response, Callback callback) {
      super(callback);
      this.request = request;
      this.response = response;
    }

    /** Reads what there is of the body; called again when there is more. */
    @Override
    public void run() {
      if (request.getHeaders().size() > MAX_FIELDS) {
        refuse(HttpStatus.REQUEST_HEADER_FIELDS_TOO_LARGE_431);
        return;
      }
      if (request.getLength() > bodyLimit) {
        ask(tooLarge);
        return;
      }
      while (true) {
        Content.Chunk chunk = request.read();
        if (chunk == null) {
          holdWhileWaiting();
          request.demand(this);
          return;
        }
        if (Content.Chunk.isFailure(chunk)) {
          fail(chunk.getFailure());
          return;
        }
        boolean complete = chunk.isLast();
        if (complete && body.position() == 0) {
          ask(chunk.getByteBuffer()); // not copied: nobody looks at it later
        } else if (!append(chunk.getByteBuffer())) {
          ask(tooLarge);
          complete = true;
        } else if (complete) {
          ask(body.flip());
        }
        chunk.release();
        if (complete) {
          return;
        }
      }
    }

    private boolean append(ByteBuffer more) {
      if (body.position() + more.remaining() > bodyLimit) {
        return false;
      }
      if (body.capacity() == 0) {
        long length = request.getLength(); // −1 if the head does not say
        body = ByteBuffer.allocate(length < 0 ? bodyLimit : (int) length);
      }
      body.put(more);
      return true;
    }

    /** Most requests come in one piece, with their body, and never get here. */
    private void holdWhileWaiting() {
      if (held == 0) {
        held = REQUEST_BYTES + bodyLimit + HEAP_BYTES_PER_FIELD * request.getHeaders().size();
        for (HttpField field : request.getHeaders()) {
          held += field.getName().length() + String.valueOf(field.getValue()).length();
        }
        RequestEndPoint.hold(request, held);
      }
    }

    private void done() {
      if (held > 0) {
        RequestEndPoint.hold(request, -held);
      }
      finished();
    }

    private void fail(Throwable failure) {
      if (failure instanceof TimeoutException) {
        refuse(HttpStatus.REQUEST_TIMEOUT_408);
      } else {
        failed(new EofException(failure)); // which Jetty does not log, with the endpoint
      }
    }

    private void refuse(int status) {
      Response.writeError(request, response, this, status);
    }

    private void ask(ByteBuffer whole) {
      RequestEndPoint.met(request);
      body = whole;
      handler.handle(this).whenComplete(this::answer);
    }

    @Override
    public String method() {
      return request.getMethod();
    }

    @Override
    public String path() {
      String path = request.getHttpURI().getPath();
      return path == null ? "" : path;
    }

    @Override
    public @Nullable String query() {
      return request.getHttpURI().getQuery();
    }

    @Override
    public List<String> headers(String name) {
      return request.getHeaders().getValuesList(name);
    }

    @Override
    public @Nullable String header(String name) {
      return request.getHeaders().get(name);
    }

    @Override
    public ByteBuffer body() {
      return body;
    }

    /** Nothing reads the connection before us. */
    @Override
    public boolean bodyAnnounced() {
      return false;
    }

    private void answer(EndpointHandler.Response answer, Throwable failure) {
      if (failure != null) {
        failed(failure);
        return;
      }
      response.setStatus(answer.status());
      answer.headers().forEach(response.getHeaders()::put);
      response.write(true, ascii(answer.body()), this);
    }

    @Override
    public void succeeded() {
      done();
      super.succeeded();
    }

    @Override
    public void failed(Throwable failure) {
      log.debug("An application server did not wait for its answer", failure);
      done();
      super.failed(failure);
    }

    @Override
    public InvocationType getInvocationType() {
      return InvocationType.NON_BLOCKING;
    }
  }
}
