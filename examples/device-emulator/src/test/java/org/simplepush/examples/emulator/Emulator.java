package org.simplepush.examples.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** The emulator as a process of its own, as people run it. */
final class Emulator implements AutoCloseable {
  private static final String END = "the end of the output";

  private final Process process;
  private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();
  private final BlockingQueue<String> errors = new LinkedBlockingQueue<>();
  private final BufferedWriter input;

  Emulator(String... options) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "-Xmx128m"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(DeviceEmulator.class.getName());
    command.addAll(List.of(options));
    process = new ProcessBuilder(command).start();
    input = process.outputWriter();
    read(process.inputReader(), lines);
    read(process.errorReader(), errors);
  }

  private static void read(BufferedReader from, BlockingQueue<String> to) {
    Thread reader =
        new Thread(
            () -> {
              from.lines().forEach(to::add);
              to.add(END);
            });
    reader.setDaemon(true);
    reader.start();
  }

  void type(String line) throws IOException {
    input.write(line);
    input.newLine();
    input.flush();
  }

  void endInput() throws IOException {
    input.close();
  }

  /** Waits for a line that begins so. */
  String awaitLine(String beginning) throws InterruptedException {
    List<String> others = new ArrayList<>();
    while (true) {
      String line = lines.poll(40, TimeUnit.SECONDS);
      assertThat(line).as("'%s…' among %s", beginning, others).isNotNull().isNotSameAs(END);
      if (line.startsWith(beginning)) {
        return line;
      }
      others.add(line);
    }
  }

  /** Returns the lines to come, to the end. */
  List<String> remainingLines() throws InterruptedException {
    return remaining(lines);
  }

  /** Returns the lines of the standard error to come, to the end. */
  List<String> remainingErrors() throws InterruptedException {
    return remaining(errors);
  }

  private static List<String> remaining(BlockingQueue<String> from) throws InterruptedException {
    List<String> remaining = new ArrayList<>();
    while (true) {
      String line = from.poll(40, TimeUnit.SECONDS);
      assertThat(line).as("the output goes on after %s", remaining).isNotNull();
      if (line == END) {
        return remaining;
      }
      remaining.add(line);
    }
  }

  int exitCode() throws InterruptedException {
    assertThat(process.waitFor(40, TimeUnit.SECONDS)).isTrue();
    return process.exitValue();
  }

  /** What {@code kill} does. */
  void terminate() {
    process.toHandle().destroy();
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }

  /** Reads a line as JSON; nested values are left out. */
  static Map<String, String> fields(String line) throws IOException {
    Map<String, String> fields = new HashMap<>();
    try (JsonParser json = new JsonFactory().createParser(line)) {
      assertThat(json.nextToken()).isEqualTo(JsonToken.START_OBJECT);
      while (json.nextToken() != JsonToken.END_OBJECT) {
        String name = json.currentName();
        if (json.nextToken().isStructStart()) {
          json.skipChildren();
        } else {
          fields.put(name, json.getText());
        }
      }
      assertThat(json.nextToken()).as("one object a line").isNull();
    }
    return fields;
  }
}
