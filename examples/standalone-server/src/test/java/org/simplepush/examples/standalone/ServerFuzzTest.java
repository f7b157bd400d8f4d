package org.simplepush.examples.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Strangers say what chance wants on every port of a server with a small heap. An honest device
 * gets each update, health is answered, and afterwards the server is well and as it was, without a
 * secret or a stack trace in its log. Runs when {@code -Dfuzz.seconds} says for how long, {@code
 * -Dfuzz.seed} makes it another one.
 */
@EnabledIfSystemProperty(named = "fuzz.seconds", matches = "\\d+", disabledReason = "takes minutes")
class ServerFuzzTest {
  private static final long SEED = Long.getLong("fuzz.seed", 20_261_128);
  private static final int SECONDS = Integer.getInteger("fuzz.seconds", 2);

  private static final int STRANGERS = 4;
  private static final int PATIENCE_MILLIS = 100;

  /** Pools of threads that have grown to their size may stay so for minutes. */
  private static final int MORE_THREADS = 50;

  private static final int MORE_DESCRIPTORS = 50;
  private static final long MORE_HEAP = 64 << 20;

  private static final String CHANNEL = "5a62b9f0-8e53-4a1c-8f4e-7c6ae0ea5a10";
  private static final String HELLO = "{\"messageType\":\"hello\",\"uaid\":\"\",\"channelIDs\":[]}";

  private final AtomicLong connections = new AtomicLong();
  private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
  private volatile boolean over;
  private SSLContext trusting;
  private HttpClient http;

  @BeforeEach
  void trustEverybody() throws Exception {
    trusting = SSLContext.getInstance("TLS");
    trusting.init(null, new TrustManager[] {new TrustEverybody()}, null);
    http = HttpClient.newBuilder().sslContext(trusting).build();
  }

  /** What strangers know of the server. */
  private record Ports(URI devices, URI endpoints, URI management, String endpointPath) {}

  /** A device of ours. */
  private record Registered(RawDevice device, String uaid, String endpoint) {
    static Registered at(ServerProcess server, HttpClient http) throws InterruptedException {
      RawDevice device = new RawDevice(http, server.webSocket);
      device.say(HELLO);
      String uaid = field("uaid", device.next());
      device.say("{\"messageType\":\"register\",\"channelID\":\"" + CHANNEL + "\"}");
      return new Registered(device, uaid, field("pushEndpoint", device.next()));
    }

    private static String field(String name, String json) {
      int from = json.indexOf("\"" + name + "\":\"") + name.length() + 4;
      assertThat(from).as(json).isGreaterThan(name.length() + 4);
      return json.substring(from, json.indexOf('"', from));
    }

    String path() {
      return URI.create(endpoint).getRawPath();
    }

    String token() {
      return path().substring(path().lastIndexOf('/') + 1);
    }
  }

  @ParameterizedTest
  @Timeout(value = 30, unit = TimeUnit.MINUTES)
  @CsvSource({"jetty, false", "jdk, false", "jdk, true", "jetty, true"})
  void whateverStrangersSayTheServerIsAsBefore(String front, boolean tls, @TempDir Path folder)
      throws Exception {
    try (ServerProcess server =
        ServerProcess.startWith(
            Map.of("JAVA_TOOL_OPTIONS", "-Xmx256m"), options(front, tls, folder))) {
      URI management = URI.create(server.management());
      Registered honest = Registered.at(server, http);
      Registered known = Registered.at(server, http);
      long version = deliver(honest, 1, 1);
      assertHealthy(management);
      State before = State.of(server.process);
      Ports ports = new Ports(server.webSocket, server.endpoints, management, known.path());

      List<Thread> strangers = besiege(ports, tls);
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
      long first = version;
      long slowest = 0;
      while (System.nanoTime() - end < 0) {
        long began = System.nanoTime();
        version = deliver(honest, version, 10);
        slowest = Math.max(slowest, (System.nanoTime() - began) / 10);
        health(management);
      }
      over = true;
      for (Thread stranger : strangers) {
        stranger.join();
      }
      assertThat(failures).as("seed %d: failures of strangers", SEED).isEmpty();

      Registered late = Registered.at(server, http);
      deliver(late, 1, 1);
      assertHealthy(management);
      State after = State.atLastLike(before, server.process);
      System.out.printf(
          "seed %d, %s%s: %d connections of strangers, %d updates, ten of them after %d ms at most;"
              + " %s before, %s afterwards%n",
          SEED,
          front,
          tls ? " with TLS" : "",
          connections.get(),
          version - first,
          10 * TimeUnit.NANOSECONDS.toMillis(slowest),
          before,
          after);
      List<String> log = server.stop();
      assertThat(log).as("seed %d: the log", SEED).noneMatch(line -> line.startsWith("\tat "));
      for (Registered each : List.of(honest, known, late)) {
        assertThat(log)
            .noneMatch(line -> line.contains(each.token()))
            .noneMatch(line -> line.contains(each.uaid()));
      }
    }
  }

  private static String[] options(String front, boolean tls, Path folder) throws Exception {
    List<String> options =
        new ArrayList<>(List.of("--endpoint-server", front, "--management-port", "0"));
    options.addAll(List.of("--wakeup", "127.0.0.0/8"));
    if (tls) {
      Path certificate = folder.resolve("cert.pem");
      Path key = folder.resolve("key.pem");
      new TestCertificates(folder).makeEc("fuzz").write(certificate, key);
      options.addAll(List.of("--tls-cert", certificate.toString(), "--tls-key", key.toString()));
    }
    return options.toArray(String[]::new);
  }

  /** Sends so many updates to a device, one after the other; returns the version to come. */
  private long deliver(Registered to, long from, int count) throws Exception {
    for (long version = from; version < from + count; version++) {
      HttpRequest put =
          HttpRequest.newBuilder(URI.create(to.endpoint()))
              .timeout(Duration.ofSeconds(20))
              .version(HttpClient.Version.HTTP_1_1)
              .PUT(HttpRequest.BodyPublishers.ofString("version=" + version))
              .build();
      assertThat(http.send(put, BodyHandlers.ofString()).statusCode()).isEqualTo(200);
      assertThat(to.device().next())
          .as("seed %d, after %d connections", SEED, connections.get())
          .contains("\"version\":" + version + "}");
      to.device()
          .say(
              "{\"messageType\":\"ack\",\"updates\":[{\"channelID\":\"%s\",\"version\":%d}]}"
                  .formatted(CHANNEL, version));
    }
    return from + count;
  }

  /** Asks, and is answered, whatever a machine that is busy with strangers has to say. */
  private int health(URI management) throws Exception {
    HttpRequest question =
        HttpRequest.newBuilder(management.resolve("/__heartbeat__"))
            .timeout(Duration.ofSeconds(20))
            .build();
    return http.send(question, BodyHandlers.ofString()).statusCode();
  }

  private void assertHealthy(URI management) throws Exception {
    assertThat(health(management))
        .as("seed %d, health after %d connections", SEED, connections.get())
        .isEqualTo(200);
  }

  // Strangers

  private List<Thread> besiege(Ports ports, boolean tls) {
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < STRANGERS; i++) {
      Thread thread = new Thread(() -> connectAgainAndAgain(ports, tls), "stranger-" + i);
      thread.setDaemon(true);
      thread.start();
      threads.add(thread);
    }
    return threads;
  }

  private void connectAgainAndAgain(Ports ports, boolean tls) {
    try {
      byte[] clientHello = clientHello();
      while (!over) {
        Fuzz fuzz = new Fuzz(SEED + connections.getAndIncrement());
        try {
          connect(ports, tls, fuzz, clientHello);
        } catch (IOException ended) {
          // That is an answer, too.
        }
      }
    } catch (Throwable e) {
      failures.add(e);
    }
  }

  private void connect(Ports ports, boolean tls, Fuzz fuzz, byte[] clientHello) throws IOException {
    URI to =
        switch (fuzz.random().nextInt(5)) {
          case 0, 1 -> ports.devices();
          case 2, 3 -> ports.endpoints();
          default -> ports.management();
        };
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(to.getHost(), to.getPort()), 20_000);
      socket.setSoTimeout(PATIENCE_MILLIS);
      if (!tls || to == ports.management()) {
        talk(socket, bytes(ports, to, fuzz), fuzz);
      } else if (fuzz.random().nextInt(4) == 0) {
        talk(socket, fuzz.ofTls(clientHello), fuzz);
      } else {
        socket.setSoTimeout(20_000);
        try (Socket secure =
            trusting.getSocketFactory().createSocket(socket, to.getHost(), to.getPort(), true)) {
          secure.getOutputStream().flush();
          secure.setSoTimeout(PATIENCE_MILLIS);
          talk(secure, bytes(ports, to, fuzz), fuzz);
        }
      }
      if (fuzz.random().nextInt(4) == 0) {
        socket.setSoLinger(true, 0); // a reset
      }
    }
  }

  private static byte[] bytes(Ports ports, URI to, Fuzz fuzz) {
    if (to == ports.devices()) {
      return fuzz.ofDevice();
    }
    return fuzz.ofHttp(to == ports.management() ? "/__heartbeat__" : ports.endpointPath());
  }

  /** Says it, in one piece or two, and listens until there is silence or the end. */
  private static void talk(Socket socket, byte[] bytes, Fuzz fuzz) throws IOException {
    int cut = fuzz.random().nextBoolean() ? bytes.length : fuzz.random().nextInt(bytes.length + 1);
    socket.getOutputStream().write(bytes, 0, cut);
    if (fuzz.random().nextInt(4) == 0) {
      return; // without waiting for anything
    }
    socket.getOutputStream().write(bytes, cut, bytes.length - cut);
    if (fuzz.random().nextInt(4) == 0) {
      socket.shutdownOutput();
    }
    byte[] answer = new byte[16 * 1024];
    InputStream in = socket.getInputStream();
    try {
      for (int reads = 0; reads < 100 && in.read(answer) >= 0; reads++) {
        // What it is does not matter.
      }
    } catch (SocketTimeoutException silence) {
      // The server waits for more.
    }
  }

  private byte[] clientHello() throws IOException {
    SSLEngine engine = trusting.createSSLEngine("localhost", 443);
    engine.setUseClientMode(true);
    ByteBuffer hello = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
    engine.wrap(ByteBuffer.allocate(0), hello);
    return Arrays.copyOf(hello.array(), hello.position());
  }

  // The server's process

  /** What it uses. */
  private record State(long descriptors, long threads, long heap) {
    static State of(Process process) throws Exception {
      return new State(count(process, "fd"), count(process, "task"), heap(process));
    }

    /** Waits until it uses no more than before. */
    static State atLastLike(State before, Process process) throws Exception {
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(90);
      State state;
      do {
        state = of(process);
        assertThat(System.nanoTime() - deadline)
            .as("seed %d: %s and no better, after %s before", SEED, state, before)
            .isNegative();
      } while (state.descriptors > before.descriptors + MORE_DESCRIPTORS
          || state.threads > before.threads + MORE_THREADS
          || state.heap > before.heap + MORE_HEAP);
      return state;
    }

    private static long count(Process process, String what) throws IOException {
      try (Stream<Path> all = Files.list(Path.of("/proc", "" + process.pid(), what))) {
        return all.count();
      }
    }

    /** What lives after a collection. */
    private static long heap(Process process) throws Exception {
      Process histogram =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                  "" + process.pid(),
                  "GC.class_histogram")
              .redirectErrorStream(true)
              .start();
      List<String> lines = histogram.inputReader().lines().toList();
      assertThat(histogram.waitFor()).as("%s", lines).isZero();
      String total = lines.get(lines.size() - 1);
      assertThat(total).startsWith("Total");
      return Long.parseLong(total.split("\\s+")[2]);
    }

    @Override
    public String toString() {
      return "%d descriptors, %d threads, %d MB live".formatted(descriptors, threads, heap >> 20);
    }
  }
}
