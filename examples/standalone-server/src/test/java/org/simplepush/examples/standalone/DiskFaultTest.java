package org.simplepush.examples.standalone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The disk under an SQLite store is full, or fails: what application servers, devices and operators
 * see meanwhile, and that all goes on after it, with everything that was confirmed. The faults are
 * the kernel's own, in a server that is a process of its own.
 */
@Timeout(300)
class DiskFaultTest {
  private static final Pattern VERSION = Pattern.compile("\"version\":(\\d+)");
  private static final String CHANNEL = "d9b74644-4f97-46aa-b8fa-9393985cd6cd";
  private static final String OTHER = "d9b74644-4f97-46aa-b8fa-9393985cd6ce";

  /** A disk whose trouble begins and ends while a server uses it. */
  private interface Disk {
    /** Returns what runs a command so that it sees the disk. */
    List<String> prefix();

    void fail(Process server) throws Exception;

    void heal(Process server) throws Exception;
  }

  @TempDir private Path folder;
  private final HttpClient http = HttpClient.newHttpClient();
  private ServerProcess server;
  private String management;

  /** Keeps a file system of its own mounted as long as it runs. */
  private Process holder;

  @AfterEach
  void end() throws Exception {
    if (server != null) {
      server.close();
    }
    if (holder != null) {
      holder.destroyForcibly().waitFor();
    }
  }

  /** Writes beyond some bytes of any file fail: EFBIG, for SQLite an I/O error. */
  @Test
  void writesThatFailAreToldAndNothingConfirmedIsMissing() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/prlimit")), "needs prlimit of util-linux");
    faultIsToldAndPasses(
        new Disk() {
          @Override
          public List<String> prefix() {
            return List.of();
          }

          @Override
          public void fail(Process server) throws Exception {
            limit(server, "4096");
          }

          @Override
          public void heal(Process server) throws Exception {
            limit(server, "unlimited");
          }

          private void limit(Process server, String bytes) throws Exception {
            run("prlimit", "--pid=" + server.pid(), "--fsize=" + bytes + ":unlimited");
          }
        });
  }

  /** A file system of 16 MB, in a mount namespace, that something else fills up: ENOSPC. */
  @Test
  void fullDiskIsToldAndNothingConfirmedIsMissing() throws Exception {
    String mount = "mount -t tmpfs -o size=16m none " + folder + " && echo mounted && exec cat";
    holder = new ProcessBuilder("unshare", "-rm", "bash", "-c", mount).start();
    boolean mounted = "mounted".equals(holder.inputReader().readLine());
    assumeTrue(mounted, "needs user namespaces (unshare -rm) to make a small file system");
    String pid = String.valueOf(holder.pid());
    Path filler = Path.of("/proc", pid, "root", folder.toString(), "filler");
    faultIsToldAndPasses(
        new Disk() {
          @Override
          public List<String> prefix() {
            return List.of("nsenter", "-t", pid, "-U", "-m", "--preserve-credentials", "--");
          }

          @Override
          public void fail(Process server) throws IOException {
            byte[] some = new byte[4096];
            IOException full = null;
            try (OutputStream out = Files.newOutputStream(filler)) {
              while (full == null) {
                try {
                  out.write(some);
                } catch (IOException e) {
                  full = e;
                }
              }
            }
            assertThat(full).hasMessageContaining("No space left on device");
          }

          @Override
          public void heal(Process server) throws IOException {
            Files.delete(filler);
          }
        });
  }

  /** Somebody moves the files away, one by one, and back. */
  @Test
  void filesThatAreTakenAwayAreToldAndNothingConfirmedIsMissing() throws Exception {
    Path away = Files.createDirectory(folder.resolve("away"));
    faultIsToldAndPasses(
        new Disk() {
          @Override
          public List<String> prefix() {
            return List.of();
          }

          @Override
          public void fail(Process server) throws IOException {
            move(folder, away);
          }

          @Override
          public void heal(Process server) throws IOException {
            move(away, folder);
          }

          private void move(Path from, Path to) throws IOException {
            for (String name : List.of("store.db", "store.db-wal")) {
              Files.move(from.resolve(name), to.resolve(name));
            }
          }
        });
  }

  private static void run(String... command) throws Exception {
    assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
  }

  private void faultIsToldAndPasses(Disk disk) throws Exception {
    start(disk);
    Client device = new Client();
    String uaid = field("uaid", device.ask("{\"messageType\":\"hello\",\"channelIDs\":[]}"));
    String endpoint = field("pushEndpoint", device.ask(register(CHANNEL)));
    assertThat(put(endpoint, 1).statusCode()).isEqualTo(200);
    assertThat(heartbeat()).isEqualTo(200);

    disk.fail(server.process);
    long confirmed = 1;
    // What the file system has given to the file already may take a few more.
    HttpResponse<String> refused = put(endpoint, 2);
    while (refused.statusCode() == 200 && confirmed < 10_000) {
      confirmed++;
      refused = put(endpoint, confirmed + 1);
    }
    assertThat(refused.statusCode()).isEqualTo(503);
    assertThat(refused.headers().firstValue("Retry-After")).isPresent();
    assertThat(heartbeat()).isEqualTo(503);
    assertThat(device.ask(register(OTHER))).contains("\"status\":500").doesNotContain("http");
    Client stranger = new Client();
    assertThat(stranger.ask("{\"messageType\":\"hello\",\"channelIDs\":[]}"))
        .doesNotContain("\"status\":200");
    assertThat(put(endpoint, confirmed + 1).statusCode()).isEqualTo(503);
    assertThat(device.latest).isLessThanOrEqualTo(confirmed);

    disk.heal(server.process);
    await().atMost(Duration.ofSeconds(30)).until(() -> heartbeat() == 200);
    assertThat(pendingAfterKilling(disk, uaid, List.of(CHANNEL)))
        .as("what was refused is not there, what was confirmed is")
        .isEqualTo(confirmed);
    Client back = new Client();
    assertThat(back.ask(hello(uaid, List.of(CHANNEL)))).contains(uaid);
    assertThat(back.ask(register(OTHER))).contains("\"status\":200");
    assertThat(back.ask(register(CHANNEL))).contains(URI.create(endpoint).getPath());
    assertThat(put(endpoint, confirmed + 1).statusCode()).isEqualTo(200);
    assertThat(pendingAfterKilling(disk, uaid, List.of(CHANNEL, OTHER))).isEqualTo(confirmed + 1);
  }

  /** Kills the server, starts it again, and returns the version that waits for the device. */
  private long pendingAfterKilling(Disk disk, String uaid, List<String> channels) throws Exception {
    server.kill();
    start(disk);
    Client back = new Client();
    assertThat(back.ask(hello(uaid, channels))).contains("\"status\":200", uaid);
    back.next();
    return back.latest;
  }

  private static String register(String channel) {
    return "{\"messageType\":\"register\",\"channelID\":\"" + channel + "\"}";
  }

  private static String hello(String uaid, List<String> channels) {
    return "{\"messageType\":\"hello\",\"uaid\":\"%s\",\"channelIDs\":[\"%s\"]}"
        .formatted(uaid, String.join("\",\"", channels));
  }

  private static String field(String name, String json) {
    Matcher matcher = Pattern.compile("\"" + name + "\":\"([^\"]+)\"").matcher(json);
    assertThat(matcher.find()).as(json).isTrue();
    return matcher.group(1);
  }

  /** A device that remembers the latest version it was told, and acknowledges nothing. */
  private final class Client {
    private final RawDevice device = new RawDevice(http, server.webSocket);
    private long latest = -1;

    /** Sends a request and returns the answer, which may come after updates. */
    String ask(String request) throws InterruptedException {
      device.say(request);
      String answer = next();
      while (answer.contains("\"notification\"")) {
        answer = next();
      }
      return answer;
    }

    String next() throws InterruptedException {
      String message = device.next();
      Matcher version = VERSION.matcher(message);
      while (version.find()) {
        latest = Math.max(latest, Long.parseLong(version.group(1)));
      }
      return message;
    }
  }

  private HttpResponse<String> put(String endpoint, long version) throws Exception {
    // After a restart on another port: the path is what counts.
    HttpRequest request =
        HttpRequest.newBuilder(server.endpoints.resolve(URI.create(endpoint).getPath()))
            .PUT(BodyPublishers.ofString("version=" + version))
            .build();
    return http.send(request, BodyHandlers.ofString());
  }

  private int heartbeat() throws Exception {
    HttpRequest request = HttpRequest.newBuilder(URI.create(management + "/__heartbeat__")).build();
    return http.send(request, BodyHandlers.ofString()).statusCode();
  }

  private void start(Disk disk) throws Exception {
    server =
        ServerProcess.startBy(
            disk.prefix(),
            "--management-port",
            "0",
            "--store",
            "sqlite:" + folder.resolve("store.db"),
            "--key-file",
            folder.resolve("keys").toString());
    management = server.management();
  }
}
