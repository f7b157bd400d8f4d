package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * After the tests of a class no thread of a server is left, no exception was let go by a thread,
 * and nothing was logged as an error: whatever a stranger sends, the server takes it for granted.
 */
final class Hygiene implements BeforeAllCallback, AfterAllCallback {
  private static final List<String> SERVER_THREADS =
      List.of("simplepush-", "HTTP-Dispatcher", "server-timer", "idle-timeout");

  private final Queue<Throwable> uncaught = new ConcurrentLinkedQueue<>();
  private final ByteArrayOutputStream logged = new ByteArrayOutputStream();
  private Thread.UncaughtExceptionHandler earlierHandler;
  private PrintStream stderr;
  private Set<Thread> threadsBefore;

  @Override
  public void beforeAll(ExtensionContext context) {
    threadsBefore = new HashSet<>(serverThreads());
    earlierHandler = Thread.getDefaultUncaughtExceptionHandler();
    Thread.setDefaultUncaughtExceptionHandler((thread, failure) -> uncaught.add(failure));
    stderr = System.err;
    System.setErr(new PrintStream(new Copying(stderr), true, StandardCharsets.UTF_8));
  }

  @Override
  public void afterAll(ExtensionContext context) {
    System.setErr(stderr);
    Thread.setDefaultUncaughtExceptionHandler(earlierHandler);
    await("the end of the server's threads")
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(() -> assertThat(serverThreads()).isSubsetOf(threadsBefore));
    assertThat(uncaught).as("exceptions that no one caught").isEmpty();
    assertThat(logged.toString(StandardCharsets.UTF_8).lines())
        .as("what was logged")
        .noneMatch(line -> line.contains(" ERROR "));
  }

  private static List<Thread> serverThreads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> isServers(thread.getName()))
        .toList();
  }

  private static boolean isServers(String threadName) {
    return SERVER_THREADS.stream().anyMatch(threadName::startsWith);
  }

  private final class Copying extends java.io.FilterOutputStream {
    Copying(PrintStream to) {
      super(to);
    }

    @Override
    public synchronized void write(int b) {
      stderr.write(b);
      logged.write(b);
    }

    @Override
    public synchronized void write(byte[] bytes, int from, int length) {
      stderr.write(bytes, from, length);
      logged.write(bytes, from, length);
    }
  }
}
