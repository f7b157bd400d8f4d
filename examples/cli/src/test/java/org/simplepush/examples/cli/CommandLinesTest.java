package org.simplepush.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.FileNotFoundException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

class CommandLinesTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter errors = new StringWriter();
  private final Program program = new Program();

  @Command(name = "program", mixinStandardHelpOptions = true, versionProvider = JarVersion.class)
  private static final class Program implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Option(names = "--time", defaultValue = "1s")
    private Duration time;

    @Option(names = "--rate", converter = RateOption.class, defaultValue = "1/1s")
    private RateOption.Rate rate;

    @Option(names = "--size", converter = BytesOption.class, defaultValue = "1k")
    private Long size;

    @Option(names = "--count", defaultValue = "1")
    private double count;

    private Exception failure;

    @Override
    public Integer call() throws Exception {
      Range.check(spec, "--count", count, 1, 2000);
      if (failure != null) {
        throw failure;
      }
      return 0;
    }
  }

  private int run(String... arguments) {
    CommandLine commandLine = CommandLines.of(program);
    commandLine.setOut(new PrintWriter(out, true));
    commandLine.setErr(new PrintWriter(errors, true));
    return commandLine.execute(arguments);
  }

  @Test
  void valuesAreReadAsPeopleWriteThem() {
    assertThat(run("--time", "7d", "--rate", "600/1h", "--size", "64m")).isZero();
    assertThat(program.time).isEqualTo(Duration.ofDays(7));
    assertThat(program.rate).isEqualTo(new RateOption.Rate(600, Duration.ofHours(1)));
    assertThat(program.size).isEqualTo(64 << 20);
    assertThat(run("--time", "500ms", "--size", "2G")).isZero();
    assertThat(program.time).isEqualTo(Duration.ofMillis(500));
    assertThat(program.size).isEqualTo(2L << 30);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--time 5 | '5' is not a duration",
        "--rate 10 | '10' is not a rate",
        "--rate 10/s | 's' is not a duration",
        "--size 64 | '64' is not an amount of memory",
        "--count 0 | --count must be 1 to 2,000, but was 0",
        "--count NaN | --count must be 1 to 2,000",
        "--bogus | --bogus",
      })
  void wrongOptionIsOneSentenceAndExitCode2(String options, String hint) {
    assertThat(run(options.split(" "))).isEqualTo(2);
    assertThat(errors.toString().strip()).contains(hint).hasLineCount(1);
  }

  @Test
  void failureIsOneSentenceAndExitCode1() {
    program.failure = new FileNotFoundException("That file is not here\nat line 7");
    assertThat(run()).isEqualTo(1);
    assertThat(errors.toString().strip()).isEqualTo("That file is not here");
  }

  @Test
  void failureThatSaysOnlyAWordIsNamed() {
    program.failure = new NoSuchFileException("push.db");
    assertThat(run()).isEqualTo(1);
    assertThat(errors.toString().strip()).isEqualTo("java.nio.file.NoSuchFileException: push.db");
  }

  @Test
  void versionNamesTheProgram() {
    assertThat(run("--version")).isZero();
    assertThat(out.toString().strip()).isEqualTo("SimplePush program " + JarVersion.text());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"memory", "sqlite:a", "redis://h", "rediss://h", "redis-sentinel://h#master"})
  void storesAreKnown(String store) {
    StoreOption.check(store);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "sqlite", "sqlite:", "rocks:x", "redis://", "reddis://:secret@x"})
  void otherStoresAreRefusedWithoutTheirPassword(String store) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> StoreOption.check(store))
        .withMessageStartingWith("must be memory, sqlite:PATH or redis://HOST:PORT")
        .withMessageNotContaining("secret");
  }
}
