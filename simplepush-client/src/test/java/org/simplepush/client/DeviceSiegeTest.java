package org.simplepush.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import javax.net.ServerSocketFactory;
import okhttp3.tls.HandshakeCertificates;
import okhttp3.tls.HeldCertificate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.simplepush.client.testing.BesiegedDevices;
import org.simplepush.client.testing.HostileServer;
import org.simplepush.client.testing.Hostility;
import org.simplepush.server.PushServer;

/**
 * Devices in a process with a heap of 64 MB, nearly all of hostile servers, of every kind, plain
 * and some over TLS, at once. Those of an honest server hear everything, and afterwards all is as
 * it was. {@code -Dsiege.seconds} makes it longer, with all over TLS, too.
 */
@Tag("process")
@Tag("long")
class DeviceSiegeTest {
  private static final int HONEST = 5;

  /** How long the usual siege is at least, in seconds. */
  private static final int SHORT = 3;

  private final List<HostileServer> hostile = new ArrayList<>();
  private final List<String> names = new ArrayList<>();
  private final BlockingQueue<String> said = new LinkedBlockingQueue<>();
  private final Map<Integer, Long> lastGot = new ConcurrentHashMap<>();
  private final Map<String, Long> published = new ConcurrentHashMap<>();
  private final ConcurrentLinkedQueue<Long> delays = new ConcurrentLinkedQueue<>();
  private Process devices;
  private OutputStream orders;
  private PushServer honest;

  @AfterEach
  void stop() throws Exception {
    if (devices != null) {
      devices.destroyForcibly().waitFor();
    }
    for (HostileServer server : hostile) {
      server.close();
    }
    if (honest != null) {
      honest.close();
    }
  }

  @Test
  @Timeout(value = 10, unit = TimeUnit.MINUTES)
  void devicesOfHostileServersDisturbNoOthers(@TempDir Path folder) throws Exception {
    int seconds = Integer.getInteger("siege.seconds", SHORT);
    HeldCertificate certificate =
        new HeldCertificate.Builder().addSubjectAlternativeName("127.0.0.1").build();
    ServerSocketFactory tls =
        new HandshakeCertificates.Builder()
            .heldCertificate(certificate)
            .build()
            .sslContext()
            .getServerSocketFactory();
    for (Hostility hostility : Hostility.values()) {
      hostile.add(new HostileServer(hostility));
      names.add(hostility.name());
      if (seconds > SHORT || hostility.ordinal() % 5 == 0) {
        hostile.add(new HostileServer("wss", tls, hostility));
        names.add(hostility + " TLS");
      }
    }
    honest = PushServer.builder().port(0).endpointPort(0).build().start();
    Path pem = Files.writeString(folder.resolve("certificate.pem"), certificate.certificatePem());
    start(pem);

    List<URI> endpoints = new ArrayList<>();
    while (endpoints.size() < HONEST) {
      endpoints.add(URI.create(next("endpoint ").split(" ")[2]));
    }
    publish(endpoints, 1);
    String[] before = order("measure").get(0).split(" ");

    order("attack");
    long end = System.nanoTime() + Duration.ofSeconds(seconds).toNanos();
    long version = 1;
    List<String> reports = order("report");
    while (System.nanoTime() < end || !reports.stream().allMatch(DeviceSiegeTest::isRepelled)) {
      publish(endpoints, ++version);
      LockSupport.parkNanos(100_000_000);
      reports = order("report");
    }
    publish(endpoints, ++version);
    awaitVersion(version);
    int[] attempts = hostile.stream().mapToInt(HostileServer::accepted).toArray();
    order("retreat");

    assertThat(reports).hasSize(hostile.size());
    for (int i = 0; i < reports.size(); i++) {
      String[] words = reports.get(i).split(" ", 5);
      System.out.printf(
          "%-23s %3d attempts, %3s accepted, %3s lost: %s%n",
          names.get(i), attempts[i], words[2], words[3], words[4]);
      // Many fewer than without breaks.
      assertThat(attempts[i]).as("%s: attempts", names.get(i)).isBetween(2, 1000);
    }
    Long[] sorted = delays.toArray(Long[]::new);
    Arrays.sort(sorted);
    System.out.printf(
        "%d updates to %d honest devices, median %d ms, 99 %% within %d ms%n",
        sorted.length,
        HONEST,
        sorted[sorted.length / 2] / 1_000_000,
        sorted[sorted.length * 99 / 100] / 1_000_000);
    assertRests(before);
  }

  /** Whether the device has lost this server, come back, and lost it again. */
  private static boolean isRepelled(String report) {
    return Integer.parseInt(report.split(" ", 5)[3]) >= 2;
  }

  /** An idle reader of a device that goes on ends after 10 s. */
  private void assertRests(String[] before) throws Exception {
    String[] after;
    do {
      LockSupport.parkNanos(500_000_000);
      after = order("measure").get(0).split(" ");
    } while (!isBack(before, after));
    System.out.println(
        "heap in KiB, threads, descriptors: "
            + String.join(" ", before)
            + " before; "
            + String.join(" ", after)
            + " after");
  }

  private static boolean isBack(String[] before, String[] after) {
    return Integer.parseInt(after[1]) < Integer.parseInt(before[1]) + 3000
        && Integer.parseInt(after[2]) <= Integer.parseInt(before[2]) + 3
        && Integer.parseInt(after[3]) <= Integer.parseInt(before[3]) + 3;
  }

  private void start(Path certificate) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx" + Integer.getInteger("siege.heap", 64) + "m",
                "-Xshare:auto",
                "-XX:TieredStopAtLevel=1",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=off",
                "-cp",
                System.getProperty("java.class.path"),
                BesiegedDevices.class.getName(),
                certificate.toString(),
                honest.webSocketUri().toString(),
                String.valueOf(HONEST)));
    hostile.forEach(server -> command.add(server.uri().toString()));
    devices = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    orders = devices.getOutputStream();
    Thread reader = new Thread(this::read, "what devices say");
    reader.setDaemon(true);
    reader.start();
  }

  private void read() {
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(devices.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.startsWith("got ")) {
          String[] words = line.split(" ");
          delays.add(System.nanoTime() - published.get(words[1] + " " + words[2]));
          lastGot.put(Integer.valueOf(words[1]), Long.valueOf(words[2]));
        } else {
          said.add(line);
        }
      }
    } catch (IOException e) {
      said.add("broken " + e);
    }
    said.add("the end");
  }

  private String next(String start) throws InterruptedException {
    String line = said.poll(60, TimeUnit.SECONDS);
    assertThat(line).as("what the devices say").isNotNull().startsWith(start);
    return line;
  }

  /** Returns what the devices say to it. */
  private List<String> order(String order) throws Exception {
    orders.write((order + "\n").getBytes(StandardCharsets.US_ASCII));
    orders.flush();
    List<String> answers = new ArrayList<>();
    while (true) {
      String line = said.poll(60, TimeUnit.SECONDS);
      assertThat(line).as("the answer to %s", order).isNotNull().isNotEqualTo("the end");
      if (line.equals("done " + order)) {
        return answers;
      }
      answers.add(line);
    }
  }

  private void publish(List<URI> endpoints, long version) throws IOException {
    for (int i = 0; i < endpoints.size(); i++) {
      published.put(i + " " + version, System.nanoTime());
      HttpURLConnection put = (HttpURLConnection) endpoints.get(i).toURL().openConnection();
      put.setRequestMethod("PUT");
      put.setDoOutput(true);
      put.setRequestProperty("Content-Type", "application/x-www-form-urlencoded");
      try (OutputStream body = put.getOutputStream()) {
        body.write(("version=" + version).getBytes(StandardCharsets.US_ASCII));
      }
      assertThat(put.getResponseCode()).isEqualTo(200);
      put.getInputStream().close();
    }
  }

  private void awaitVersion(long version) {
    long deadline = System.nanoTime() + Duration.ofSeconds(120).toNanos();
    while (!isEverywhere(version)) {
      assertThat(System.nanoTime()).as("what was got: %s", lastGot).isLessThan(deadline);
      LockSupport.parkNanos(20_000_000);
    }
  }

  private boolean isEverywhere(long version) {
    for (int i = 0; i < HONEST; i++) {
      if (lastGot.getOrDefault(i, 0L) < version) {
        return false;
      }
    }
    return true;
  }
}
