package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A headless Firefox with a profile of its own, whose push service is ours, showing one page that
 * subscribes. Page and service worker tell the test what happens to them by HTTP; nothing else
 * drives the browser.
 */
final class Firefox implements AutoCloseable {
  /** Starting the browser takes seconds on a small machine. */
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final BlockingQueue<String> reports = new LinkedBlockingQueue<>();
  private final HttpServer site;
  private final Process process;
  private final Path log;

  private Firefox(HttpServer site, Path home, URI pushServer) throws IOException {
    this.site = site;
    serve("/", "page.html", "text/html");
    serve("/worker.js", "worker.js", "text/javascript");
    site.createContext(
        "/report",
        exchange -> {
          try (exchange) {
            String report =
                new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            reports.add(report.strip());
            exchange.sendResponseHeaders(204, -1);
          }
        });
    site.start();

    Path profile = Files.createDirectories(home.resolve("profile"));
    Files.writeString(profile.resolve("user.js"), userJs(pushServer));
    log = home.resolve("firefox.log");
    ProcessBuilder command =
        new ProcessBuilder(
            binary(),
            "--headless",
            "--no-remote",
            "--profile",
            profile.toString(),
            "http://localhost:" + site.getAddress().getPort() + "/");
    // A home of its own: Firefox refuses to run as root in the home of somebody else.
    command.environment().put("HOME", home.toString());
    command.environment().keySet().removeIf(name -> name.startsWith("XDG_"));
    command.redirectErrorStream(true).redirectOutput(log.toFile());
    process = command.start();
  }

  /** Starts a browser that keeps everything below {@code home}. */
  static Firefox start(Path home, URI pushServer) throws IOException {
    HttpServer site =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    try {
      return new Firefox(site, home, pushServer);
    } catch (IOException | RuntimeException | Error e) {
      site.stop(0);
      throw e;
    }
  }

  private static String binary() {
    String given = System.getProperty("firefox");
    if (given != null) {
      assertThat(Path.of(given)).as("the Firefox named by -Dfirefox").isExecutable();
      return given;
    }
    for (String name : List.of("firefox-esr", "firefox")) {
      for (String folder : System.getenv("PATH").split(File.pathSeparator)) {
        if (Files.isExecutable(Path.of(folder, name))) {
          return Path.of(folder, name).toString();
        }
      }
    }
    throw new AssertionError(
        "Firefox is not installed: there is neither firefox-esr nor firefox on the PATH."
            + " Install it, or name its binary with -Dfirefox=/path/to/firefox");
  }

  private static String userJs(URI pushServer) {
    Map<String, Object> prefs = new LinkedHashMap<>();
    prefs.put("dom.push.serverURL", pushServer.toString());
    prefs.put("dom.push.testing.allowInsecureServerURL", true);
    prefs.put("dom.push.retryBaseInterval", 500);
    prefs.put("dom.push.loglevel", "All");
    prefs.put("devtools.console.stdout.chrome", true);
    prefs.put("permissions.default.desktop-notification", 1);
    // No first-run pages in front of ours, and no traffic but ours.
    prefs.put("network.proxy.type", 0);
    prefs.put("browser.aboutwelcome.enabled", false);
    prefs.put("browser.preonboarding.enabled", false);
    prefs.put("browser.startup.homepage_override.mstone", "ignore");
    prefs.put("browser.shell.checkDefaultBrowser", false);
    prefs.put("datareporting.policy.dataSubmissionEnabled", false);
    prefs.put("toolkit.telemetry.server", "data:,");
    prefs.put("services.settings.server", "data:,#remote-settings-dummy/v1");
    prefs.put("network.captive-portal-service.enabled", false);
    prefs.put("network.connectivity-service.enabled", false);
    prefs.put("app.normandy.enabled", false);
    prefs.put("extensions.update.enabled", false);
    prefs.put("extensions.getAddons.cache.enabled", false);
    prefs.put("browser.safebrowsing.update.enabled", false);
    StringBuilder userJs = new StringBuilder();
    prefs.forEach(
        (name, value) ->
            userJs
                .append("user_pref(\"")
                .append(name)
                .append("\", ")
                .append(value instanceof String ? "\"" + value + "\"" : value)
                .append(");\n"));
    return userJs.toString();
  }

  private void serve(String path, String resource, String type) {
    site.createContext(
        path,
        exchange -> {
          try (exchange;
              InputStream content = Firefox.class.getResourceAsStream("firefox/" + resource)) {
            boolean found = exchange.getRequestURI().getPath().equals(path);
            byte[] body = found ? content.readAllBytes() : new byte[0];
            exchange.getResponseHeaders().set("Content-Type", type);
            exchange.sendResponseHeaders(found ? 200 : 404, body.length == 0 ? -1 : body.length);
            exchange.getResponseBody().write(body);
          }
        });
  }

  /** The next report must be this event; returns what came with it. */
  String expect(String event) throws InterruptedException, IOException {
    String report = reports.poll(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    assertThat(report).as("next report of Firefox, whose log ends with %s", endOfLog()).isNotNull();
    String[] parts = report.split(" ", 2);
    assertThat(parts[0]).as("event of the report '%s'", report).isEqualTo(event);
    return parts.length > 1 ? parts[1] : "";
  }

  /** Nothing was reported that no test asked for. */
  void expectNothingMore() {
    assertThat(reports).isEmpty();
  }

  private Object endOfLog() {
    return new Object() {
      @Override
      public String toString() {
        try {
          List<String> lines = Files.readAllLines(log, StandardCharsets.ISO_8859_1);
          List<String> tail =
              new ArrayList<>(lines.subList(Math.max(0, lines.size() - 60), lines.size()));
          return String.join("\n", tail);
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
    };
  }

  @Override
  public void close() {
    // All of them, and not before they are gone: they write into the home.
    List<ProcessHandle> processes =
        Stream.concat(process.descendants(), Stream.of(process.toHandle())).toList();
    processes.forEach(ProcessHandle::destroyForcibly);
    processes.forEach(
        each -> each.onExit().orTimeout(10, TimeUnit.SECONDS).exceptionally(e -> each).join());
    site.stop(0);
  }
}
