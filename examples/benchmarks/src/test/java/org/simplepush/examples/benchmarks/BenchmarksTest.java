package org.simplepush.examples.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

@Timeout(10)
class BenchmarksTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter errors = new StringWriter();

  @Test
  void withoutAModeTheModesAreNamed() {
    assertThat(run()).isEqualTo(2);
    assertThat(errors.toString()).contains("throughput").contains("fan-out");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "idle",
        "throughput",
        "open",
        "offline",
        "fan-out",
        "storm",
        "growth",
        "width",
        "hang",
        "soak",
        "all"
      })
  void aServerMustBeGiven(String mode) {
    assertThat(run(mode)).isEqualTo(2);
    assertThat(errors.toString()).contains("--ws").contains("--server-jar");
  }

  @ParameterizedTest
  @CsvSource({
    "survive, --devices, 10001, 'must be a number from 1 to 10,000, but was'",
    "survive, --channels, 501, 'must be a number from 1 to 500, but was'",
    "survive, --puts, 1001, 'must be a number from 1 to 1,000, but was'",
    "survive, --settle, 0, 'must be a number from 1 to 3,600, but was'",
    "survive, --minutes, 0, 'must be more than 0, up to 1440, but was'",
    "survive, --server-jar, no.jar, 'names no.jar, which is no file'",
    "siege, --store, redis, 'must be memory or sqlite'",
    "siege-notifier, --good, 0, 'is 1 to 60000'",
    "idle, --loops, 0, 'must be 1 to 64'",
    "idle, --ws, http://127.0.0.1/, 'must be like ws://'",
  })
  void optionThatMakesNoSenseIsWrong(String mode, String option, String value, String sentence) {
    assertThat(run(mode, option, value)).isEqualTo(2);
    assertThat(errors.toString()).contains(option + " " + sentence);
  }

  @Test
  void countsOutOfRangeAreRefusedInASentence() {
    assertThat(run("storm", "--ws", "ws://127.0.0.1:1/", "--devices", "0")).isEqualTo(2);
    assertThat(errors.toString())
        .contains("--devices")
        .contains("must be a number from 1 to 1,000,000, but was '0'");
  }

  @ParameterizedTest
  @CsvSource({
    "idle, 'Devices, those that get updates. Default 10000.'",
    "throughput, 'Seconds before the first measurement. Default 10.'",
    "hang, 'Seconds of each measurement. Default 10.'",
    "soak, 'Seconds until it is measured again. Default 540.'",
    "survive, 'Channels of each device. Default 5.'",
    "stores, 'PUTs a second, for latencies. Default 1000.'",
    "siege, 'Devices, those that get updates. Default 100.'",
    "siege-notifier, 'Calls for good ones under way. Default 200.'",
  })
  void helpOfEachModeSaysItsDefaults(String mode, String line) {
    assertThat(run(mode, "--help")).isZero();
    assertThat(out.toString().replaceAll("\\s+", " ")).contains(line);
  }

  @ParameterizedTest
  @ValueSource(strings = {"idle", "survive", "siege", "siege-notifier", "stores"})
  void everyModeSaysItsVersion(String mode) {
    assertThat(run(mode, "--version")).isZero();
    assertThat(out.toString()).startsWith("SimplePush benchmarks ");
  }

  private int run(String... arguments) {
    CommandLine commandLine = Benchmarks.commandLine();
    commandLine.setOut(new PrintWriter(out, true));
    commandLine.setErr(new PrintWriter(errors, true));
    return commandLine.execute(arguments);
  }
}
