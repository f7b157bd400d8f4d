package org.simplepush.server.testing;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URLDecoder;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.simplepush.server.EndpointHandler;

/** One application server's connection: requests to endpoints, answered as the test wants. */
final class HttpConversation {
  private final Socket socket;
  private final DataInputStream in;
  private final OutputStream out;
  private final EndpointHandler handler;
  private final Mailboxes mailboxes;
  private final CompletableFuture<Void> closing;

  /**
   * Creates a conversation.
   *
   * @param closing completes when nobody waits for anything any more
   */
  HttpConversation(
      Socket socket,
      DataInputStream in,
      EndpointHandler handler,
      Mailboxes mailboxes,
      CompletableFuture<Void> closing)
      throws IOException {
    this.socket = socket;
    this.in = in;
    this.out = socket.getOutputStream();
    this.handler = handler;
    this.mailboxes = mailboxes;
    this.closing = closing;
  }

  /** Answers requests until the connection ends. */
  void serve(@Nullable HttpHead first) throws IOException {
    for (HttpHead head = first; head != null; head = HttpHead.read(in)) {
      if (head.has("expect", "100-continue")) {
        out.write("HTTP/1.1 100 Continue\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      }
      byte[] body = head.readBody(in);
      String[] line = head.first().split(" ", 3);
      if (line.length < 3 || !answer(head, line[0], line[1], body)) {
        return;
      }
      if (head.has("connection", "close") || line[2].equals("HTTP/1.0")) {
        return;
      }
    }
  }

  /** Returns whether the connection lasts. */
  private boolean answer(HttpHead head, String method, String target, byte[] body)
      throws IOException {
    int query = target.indexOf('?');
    String path = query < 0 ? target : target.substring(0, query);
    Mailbox mailbox = mailboxes.of(path);
    Answer answer = mailboxes.nextAnswer(mailbox);
    mailbox.requested();
    if (!await(answer)) {
      return false;
    }
    switch (answer.kind()) {
      case AS_USUAL -> {
        EndpointHandler.Request request =
            new PlainRequest(
                method,
                path,
                query < 0 ? null : target.substring(query + 1),
                head.headers(),
                ByteBuffer.wrap(body));
        EndpointHandler.Response response = handler.handle(request).toCompletableFuture().join();
        if (response.status() == 200) {
          mailbox.published(version(body));
        }
        write(method, response);
      }
      case STATUS -> write(method, error(answer.status(), answer.retryAfter()));
      case SILENCE -> {
        while (in.read() >= 0) {
          // until the other side gives up
        }
        return false;
      }
      case RESET -> {
        socket.setSoLinger(true, 0);
        return false;
      }
      case GARBAGE -> {
        out.write("\u0000\u0001 no HTTP\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        return false;
      }
    }
    return true;
  }

  /** Waits until it is time for the answer; returns false if the server closes before. */
  private boolean await(Answer answer) {
    CompletableFuture<?> released = answer.release().handle((any, failure) -> null);
    CompletableFuture<Void> due =
        new CompletableFuture<Void>()
            .completeOnTimeout(null, answer.delay().toNanos(), TimeUnit.NANOSECONDS);
    CompletableFuture.anyOf(closing, CompletableFuture.allOf(released, due)).join();
    return !closing.isDone();
  }

  /** Returns the version in a body that the handler has found right; empty if there is none. */
  private static OptionalLong version(byte[] body) {
    String form = new String(body, StandardCharsets.UTF_8);
    int equals = form.indexOf('=');
    if (equals < 0) {
      return OptionalLong.empty();
    }
    String value = form.substring(equals + 1).replace("&", "");
    String digits = URLDecoder.decode(value, StandardCharsets.UTF_8).strip();
    return digits.isEmpty() ? OptionalLong.empty() : OptionalLong.of(Long.parseLong(digits));
  }

  private static EndpointHandler.Response error(int status, @Nullable Duration retryAfter) {
    Map<String, String> headers = new LinkedHashMap<>();
    headers.put("Content-Type", "application/json");
    if (retryAfter != null) {
      headers.put("Retry-After", String.valueOf(retryAfter.toSeconds()));
    }
    String body = "{\"status\":" + status + ",\"error\":\"As the test wants it\"}";
    return new EndpointHandler.Response(status, headers, body);
  }

  private void write(String method, EndpointHandler.Response response) throws IOException {
    StringBuilder text = new StringBuilder();
    text.append("HTTP/1.1 ").append(response.status()).append(" \r\n");
    response.headers().forEach((name, value) -> text.append(name + ": " + value + "\r\n"));
    boolean bodiless = response.status() == 204 || response.status() == 304;
    if (!bodiless) {
      text.append("Content-Length: ").append(response.body().length()).append("\r\n");
    }
    text.append("\r\n");
    if (!bodiless && !method.equals("HEAD")) {
      text.append(response.body());
    }
    out.write(text.toString().getBytes(StandardCharsets.ISO_8859_1));
  }
}
