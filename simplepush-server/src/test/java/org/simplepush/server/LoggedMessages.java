package org.simplepush.server;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** What one class logs until this is closed. */
final class LoggedMessages implements AutoCloseable {
  private final String logger;
  private final PrintStream stderr = System.err;
  private final ByteArrayOutputStream logged = new ByteArrayOutputStream();

  private LoggedMessages(Class<?> logger) {
    this.logger = logger.getName();
    System.setErr(new PrintStream(logged, true, StandardCharsets.UTF_8));
  }

  static LoggedMessages of(Class<?> logger) {
    return new LoggedMessages(logger);
  }

  /** The texts of its warnings so far. */
  List<String> warnings() {
    return logged("WARN");
  }

  /** The texts of its errors so far. */
  List<String> errors() {
    return logged("ERROR");
  }

  private List<String> logged(String level) {
    String head = " " + level + " " + logger + " - ";
    return logged
        .toString(StandardCharsets.UTF_8)
        .lines()
        .filter(line -> line.contains(head))
        .map(line -> line.substring(line.indexOf(head) + head.length()))
        .toList();
  }

  @Override
  public void close() {
    System.setErr(stderr);
    stderr.print(logged.toString(StandardCharsets.UTF_8));
  }
}
