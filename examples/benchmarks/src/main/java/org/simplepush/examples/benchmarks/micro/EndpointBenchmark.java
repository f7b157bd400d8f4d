package org.simplepush.examples.benchmarks.micro;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.simplepush.server.EndpointHandler;
import org.simplepush.server.PushServer;

/** A PUT without the HTTP server around it: token opened, version raised, device away. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class EndpointBenchmark {
  private static final Pattern ENDPOINT = Pattern.compile("\"pushEndpoint\":\"([^\"]+)\"");

  private static final String FORGED = "/update/" + "A".repeat(64);

  private final PushServer server = PushServer.builder().port(0).endpointPort(0).build();
  private String path = "";
  private long version;

  /** Hears replies, each in one piece since they are short. */
  private static final class Replies implements WebSocket.Listener {
    private final BlockingQueue<String> queue = new LinkedBlockingQueue<>();

    @Override
    public @Nullable CompletionStage<?> onText(WebSocket socket, CharSequence text, boolean last) {
      queue.add(text.toString());
      socket.request(1);
      return null;
    }

    String take() throws InterruptedException {
      String reply = queue.poll(10, TimeUnit.SECONDS);
      if (reply == null) {
        throw new IllegalStateException("The push server did not reply within 10 s");
      }
      return reply;
    }
  }

  /** Has a device register and go away. */
  @Setup
  public void register() throws Exception {
    server.start();
    Replies replies = new Replies();
    WebSocket device =
        HttpClient.newHttpClient()
            .newWebSocketBuilder()
            .buildAsync(server.webSocketUri(), replies)
            .join();
    device.sendText("{\"messageType\":\"hello\",\"uaid\":\"\",\"channelIDs\":[]}", true).join();
    String hello = replies.take();
    String channel = "6ab1d2c4-5c1e-4e5a-9a55-6d3c0b3f7a10";
    device
        .sendText("{\"messageType\":\"register\",\"channelID\":\"" + channel + "\"}", true)
        .join();
    Matcher endpoint = ENDPOINT.matcher(replies.take());
    if (!endpoint.find()) {
      throw new IllegalStateException("No endpoint was given after " + hello);
    }
    path = URI.create(endpoint.group(1)).getRawPath();
    device.abort();
  }

  /** Ends the server. */
  @TearDown
  public void close() {
    server.close();
  }

  /** One PUT of a version that is news. */
  @Benchmark
  public CompletionStage<EndpointHandler.Response> put() {
    return put(path);
  }

  /** One PUT to an endpoint that somebody made up: what opening a token costs, and little else. */
  @Benchmark
  public CompletionStage<EndpointHandler.Response> putToAForgedEndpoint() {
    return put(FORGED);
  }

  private CompletionStage<EndpointHandler.Response> put(String path) {
    byte[] body = ("version=" + ++version).getBytes(StandardCharsets.US_ASCII);
    return server.endpointHandler().handle(new FormPut(path, ByteBuffer.wrap(body)));
  }

  /** As a front that reads the socket presents it. */
  private record FormPut(String path, ByteBuffer body) implements EndpointHandler.Request {
    @Override
    public String method() {
      return "PUT";
    }

    @Override
    public @Nullable String query() {
      return null;
    }

    @Override
    public List<String> headers(String name) {
      return name.equals("Content-Type") ? List.of("application/x-www-form-urlencoded") : List.of();
    }

    @Override
    public boolean bodyAnnounced() {
      return false;
    }
  }
}
