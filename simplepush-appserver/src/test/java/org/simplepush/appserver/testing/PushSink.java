package org.simplepush.appserver.testing;

import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.IntSupplier;
import mockwebserver3.Dispatcher;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;

/** A push server that notes what it accepted. */
public final class PushSink implements AutoCloseable {
  private final MockWebServer server = new MockWebServer();

  /** Bodies of requests, in the order they were answered with 200. */
  public final BlockingQueue<String> accepted = new LinkedBlockingQueue<>();

  public final Map<String, Long> highest = new ConcurrentHashMap<>();

  /** Says the status of each answer; may block until there is to be one. */
  public volatile IntSupplier status = () -> 200;

  /** The body of each answer. */
  public volatile String body = "{}";

  public PushSink() throws Exception {
    server.setDispatcher(
        new Dispatcher() {
          @Override
          public MockResponse dispatch(RecordedRequest request) {
            int code = status.getAsInt();
            String answer = body;
            if (code == 200) {
              String published = request.getBody() == null ? "" : request.getBody().utf8();
              if (published.startsWith("version=")) {
                highest.merge(
                    request.getTarget(), Long.parseLong(published.substring(8)), Math::max);
              }
              accepted.add(published);
            }
            return new MockResponse.Builder().code(code).body(answer).build();
          }
        });
    server.start();
  }

  public URI endpoint(int n) {
    return server.url("/update/secret" + n).uri();
  }

  /** Returns the next accepted body. */
  public String next() throws InterruptedException {
    String body = accepted.poll(20, TimeUnit.SECONDS);
    if (body == null) {
      throw new AssertionError("Nothing was accepted");
    }
    return body;
  }

  /** Returns what was accepted and not yet asked for. */
  public List<String> rest() {
    return List.copyOf(accepted);
  }

  @Override
  public void close() {
    server.close();
  }
}
