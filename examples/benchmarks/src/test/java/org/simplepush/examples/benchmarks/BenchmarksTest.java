package org.simplepush.examples.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import picocli.CommandLine;

@Timeout(10)
class BenchmarksTest {
  private final StringWriter errors = new StringWriter();

  @Test
  void withoutAModeTheModesAreNamed() {
    assertThat(run()).isEqualTo(2);
    assertThat(errors.toString()).contains("throughput").contains("fan-out");
  }

  @Test
  void aServerMustBeGiven() {
    assertThat(run("idle")).isEqualTo(1);
    assertThat(errors.toString()).contains("--ws").contains("--server-jar");
  }

  @Test
  void countsOutOfRangeAreRefusedInASentence() {
    assertThat(run("storm", "--ws", "ws://127.0.0.1:1/", "--devices", "0")).isEqualTo(1);
    assertThat(errors.toString()).contains("--devices must be 1 to 1000000, but was 0");
  }

  private int run(String... arguments) {
    CommandLine commandLine = Benchmarks.commandLine();
    commandLine.setErr(new PrintWriter(errors, true));
    return commandLine.execute(arguments);
  }
}
