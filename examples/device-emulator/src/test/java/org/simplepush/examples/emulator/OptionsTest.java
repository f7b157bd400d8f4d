package org.simplepush.examples.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** Wrong options end with exit code 2 and one clear sentence; nothing is started. */
class OptionsTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--devices 5 | --server",
        "--server http://127.0.0.1/ | wss://",
        "--server ws://push.example.org/ | allowInsecure",
        "--server ws://127.0.0.1/ --devices 0 | --devices must be 1 to 15,000",
        "--server ws://127.0.0.1/ --devices x | --devices",
        "--server ws://127.0.0.1/ --apps 1001 | --apps",
        "--server ws://127.0.0.1/ --publish -1 | --publish",
        "--server ws://127.0.0.1/ --drop NaN | --drop",
        "--server ws://127.0.0.1/ --sleep-for 5 | not a duration",
        "--server ws://127.0.0.1/ --first-backoff 10m | --max-backoff",
        "--server ws://127.0.0.1/ --interactive --json | --interactive",
        "--server ws://127.0.0.1/ --interactive --devices 2 | --interactive",
        "--server ws://127.0.0.1/ --bogus | --bogus",
      })
  void wrongOptionIsOneSentenceAndExitCode2(String options, String hint) {
    StringWriter errors = new StringWriter();
    CommandLine commandLine = DeviceEmulator.commandLine();
    commandLine.setErr(new PrintWriter(errors, true));
    assertThat(commandLine.execute(options.split(" "))).isEqualTo(2);
    assertThat(errors.toString().strip()).contains(hint).hasLineCount(1);
  }
}
