package org.simplepush.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.client.internal.connection.Disconnected;
import org.simplepush.client.testing.HostileServer;
import org.simplepush.client.testing.HostileServer.Wire;
import org.simplepush.client.testing.Hostility;
import org.simplepush.core.ChannelId;

/**
 * A server that says what chance wants: broken heads, frames and messages. Nothing of it is more
 * than a lost connection, and when the server comes to reason, the device is as new. {@code
 * -Dfuzz.seconds} makes it longer, {@code -Dfuzz.seed} another one.
 */
class HostileFuzzTest {
  private static final long SEED = Long.getLong("fuzz.seed", 20_261_127);
  private static final int SECONDS = Integer.getInteger("fuzz.seconds", 3);

  private static final List<String> MESSAGES =
      List.of(
          "{'messageType':'hello','uaid':'" + Hostility.UAID + "','status':200}",
          "{'messageType':'hello','status':307,'redirect':'ws://127.0.0.1:1/'}",
          "{'messageType':'hello','status':503,'error':'no'}",
          "{'messageType':'register','status':200,'channelID':'"
              + Hostility.UAID
              + "',"
              + "'pushEndpoint':'https://push.example.org/update/x'}",
          "{'messageType':'register','status':409,'error':'no'}",
          "{'messageType':'unregister','status':200,'channelID':'" + Hostility.UAID + "'}",
          "{'messageType':'notification','updates':[{'channelID':'"
              + Hostility.UAID
              + "',"
              + "'version':7},{'channelID':'"
              + Hostility.UAID
              + "','version':'8'}]}",
          "{'messageType':'ping'}",
          "{}");

  private static final List<String> SCRAPS =
      List.of(
          "null",
          "9223372036854775808",
          "-1",
          "1e999",
          "\\ud800",
          "\0",
          "[[[[",
          "{'a':",
          "'",
          "]}",
          "true",
          "'messageType':'hello'",
          "\ud83d\ude00",
          "http://127.1/",
          "000000000000000");

  private final BlockingQueue<ConnectionListener.Disconnected> ends = new LinkedBlockingQueue<>();
  private final BlockingQueue<URI> registered = new LinkedBlockingQueue<>();
  private final AtomicInteger connections = new AtomicInteger();
  private final AtomicInteger accepts = new AtomicInteger();
  private volatile boolean reasonable;

  /** Takes versions, and what was queued. */
  private final class Application implements PushHandler, RegisteredHandler {
    @Override
    public void onPush(PushMessage message) {}

    @Override
    public void onRegistered(String tag, URI endpoint) {
      registered.add(endpoint);
    }
  }

  @Test
  @Timeout(value = 20, unit = TimeUnit.MINUTES)
  void whateverAServerSaysIsAtMostALostConnection() throws Exception {
    try (HostileServer server = new HostileServer(this::serve);
        PushClient device =
            PushClient.builder(server.uri())
                .requestTimeout(Duration.ofMillis(500))
                .backoff(Duration.ofMillis(1), Duration.ofMillis(2))
                .maxMessageLength(64 * 1024)
                .listener(
                    new ConnectionListener() {
                      @Override
                      public void onConnected() {
                        accepts.incrementAndGet();
                      }

                      @Override
                      public void onDisconnected(Disconnected event) {
                        ends.add(event);
                      }
                    })
                .build()
                .start()) {
      device.application("calendar", new Application()).registerWhenPossible("work");
      long end = System.nanoTime() + Duration.ofSeconds(SECONDS).toNanos();
      int lost = 0;
      while (System.nanoTime() < end) {
        ConnectionListener.Disconnected event = ends.poll(50, TimeUnit.SECONDS);
        assertThat(event).as("seed %d: a lost connection after %d", SEED, lost).isNotNull();
        assertThat(event.reason())
            .as("seed %d, after %d connections", SEED, lost)
            .hasSizeLessThan(500)
            .doesNotContain("the device failed", "can be read no more", "\n", "\u001b");
        lost++;
      }
      reasonable = true;
      URI endpoint = registered.poll(50, TimeUnit.SECONDS);
      assertThat(endpoint).as("seed %d: the endpoint at last", SEED).isNotNull();
      System.out.printf(
          "seed %d: %d connections, %d hellos accepted, %d lost%n",
          SEED, connections.get(), accepts.get(), lost);
    }
  }

  private void serve(Wire wire) throws IOException {
    Random random = new Random(SEED + connections.getAndIncrement());
    if (reasonable) {
      serveWell(wire);
      return;
    }
    if (random.nextInt(5) == 0) {
      wire.readHead();
      wire.out.write(mutated(head(random), random));
      wire.out.flush();
      return;
    }
    wire.upgrade();
    if (random.nextInt(3) > 0) {
      wire.readMessage();
      wire.say(MESSAGES.get(0));
    }
    for (int i = random.nextInt(20); i >= 0; i--) {
      serveSomething(wire, random);
    }
    wire.out.flush();
    if (random.nextBoolean()) {
      wire.frame(0x88, new byte[0]);
      wire.out.flush();
    }
  }

  private static void serveWell(Wire wire) throws IOException {
    wire.greet(Hostility.UAID);
    while (true) {
      String said = wire.readMessage();
      int at = said.indexOf("channelID\":\"");
      if (said.contains("\"register\"") && at > 0) {
        ChannelId channelId = ChannelId.parse(said.substring(at + 12, said.indexOf('"', at + 12)));
        wire.say(
            "{'messageType':'register','status':200,'channelID':'"
                + channelId.text()
                + "','pushEndpoint':'https://push.example.org/"
                + channelId.text()
                + "'}");
      }
    }
  }

  private static byte[] head(Random random) {
    String head =
        List.of(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
                "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n",
                "HTTP/1.1 503 No\r\nRetry-After: 0\r\nTransfer-Encoding: chunked\r\n",
                "HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=x, nonce=\"\r\n")
            .get(random.nextInt(5));
    return (head + "\r\nhello").getBytes(StandardCharsets.ISO_8859_1);
  }

  private static void serveSomething(Wire wire, Random random) throws IOException {
    switch (random.nextInt(8)) {
      case 0 -> wire.frame(random.nextInt(256), bytes(random, random.nextInt(300)));
      case 1 -> wire.frame(0x89, bytes(random, random.nextInt(126)));
      case 2 -> { // a length that is a lie
        wire.header(
            random.nextBoolean() ? 0x81 : random.nextInt(256),
            random.nextLong() >>> random.nextInt(64));
        wire.out.write(bytes(random, random.nextInt(100)));
      }
      case 3 -> { // in pieces, with something in between
        byte[] message = message(random);
        int cut = random.nextInt(message.length + 1);
        wire.frame(0x01, Arrays.copyOf(message, cut));
        wire.frame(random.nextBoolean() ? 0x89 : 0x8a, bytes(random, random.nextInt(5)));
        wire.frame(0x80, Arrays.copyOfRange(message, cut, message.length));
      }
      case 4 -> {
        for (int i = random.nextInt(100); i > 0; i--) {
          wire.frame(0x89, new byte[0]);
        }
      }
      default -> wire.frame(0x81, message(random));
    }
  }

  private static byte[] message(Random random) {
    StringBuilder text =
        new StringBuilder(MESSAGES.get(random.nextInt(MESSAGES.size())).replace('\'', '"'));
    for (int i = random.nextInt(3); i > 0; i--) {
      int from = random.nextInt(text.length() + 1);
      int to = Math.min(text.length(), from + random.nextInt(12));
      String scrap = SCRAPS.get(random.nextInt(SCRAPS.size())).replace('\'', '"');
      text.replace(from, to, scrap.repeat(random.nextInt(10) == 0 ? 1000 : 1));
    }
    byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
    return random.nextInt(4) == 0 ? mutated(bytes, random) : bytes;
  }

  private static byte[] mutated(byte[] bytes, Random random) {
    byte[] changed = bytes.clone();
    for (int i = random.nextInt(4); i > 0 && changed.length > 0; i--) {
      changed[random.nextInt(changed.length)] = (byte) random.nextInt();
    }
    return random.nextInt(4) == 0
        ? Arrays.copyOf(changed, random.nextInt(changed.length + 1))
        : changed;
  }

  private static byte[] bytes(Random random, int length) {
    byte[] bytes = new byte[length];
    random.nextBytes(bytes);
    return bytes;
  }
}
