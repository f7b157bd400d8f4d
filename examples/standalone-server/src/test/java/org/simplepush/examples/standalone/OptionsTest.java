package org.simplepush.examples.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** Wrong options end with exit code 2 and one clear sentence; nothing is started. */
class OptionsTest {
  private final StringWriter errors = new StringWriter();

  private int run(Map<String, String> environment, String... arguments) {
    CommandLine commandLine = StandaloneServer.commandLine(environment);
    commandLine.setErr(new PrintWriter(errors, true));
    return commandLine.execute(arguments);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--port x | --port",
        "--port 70000 | port must be 0 to 65535",
        "--bogus | --bogus",
        "extra | extra",
        "--store sqlite | --store: must be memory, sqlite:PATH or redis://HOST:PORT, but was 'sqlite'",
        "--store sqlite: | --store: must be memory, sqlite:PATH",
        "--store rocks:x | --store: must be memory, sqlite:PATH",
        "--store redis:// | --store: must be memory, sqlite:PATH",
        "--store reddis://:secret@x | but was 'reddis://…'",
        "--store redis://:secret@x:y | --store: A Redis store is redis://HOST:PORT",
        "--store redis-sentinel://:secret@x | --store: A Redis store is redis://HOST:PORT",
        "--ping-min 5 | not a duration",
        "--hello-timeout 0s | helloTimeout",
        "--drain soon | not a duration",
        "--max-connections 0 | --max-connections: maxConnections must be positive, but was 0",
        "--max-connections many | --max-connections",
        "--max-connections-per-address -1 | maxConnectionsPerAddress must be positive, but was -1",
        "--max-channels 0 | --max-channels: maxChannels must be positive",
        "--new-user-agents-per-minute 0 | newUserAgentsPerMinute must be positive",
        "--new-channels-per-minute 0 | newChannelsPerMinute must be positive",
        "--comparisons-per-second 0 | comparisonsPerSecond must be positive",
        "--trusted-proxies 10.0.0.1 | --trusted-proxies: A network is written like 10.0.0.0/8",
        "--trusted-proxies proxy.example.org | but was 'proxy.example.org'",
        "--rate-limit 10 | '10' is not a rate: write a number, / and a duration, such as 10/1s",
        "--rate-limit 10/s | not a duration",
        "--rate-limit 0/1s | --rate-limit: updates must be positive",
        "--rate-limit 5/1ms | window must be 1 s to 1 day",
        "--allow-origin app.example.org | --allow-origin: An origin is like",
        "--max-memory 64 | not an amount of memory",
        "--max-memory 64x | not an amount of memory",
        "--max-memory 1023k | maxMemory must be 1048576 bytes or more, but was 1047552",
        "--management-port 0 --management-host no.such.host.invalid --store none | --store",
        "--tls-cert a | --tls-key",
        "--tls-key a | --tls-cert",
        "--tls-cert none.pem --tls-key none.pem | does not exist",
        "--port 9 --endpoint-port 9 | must differ",
        "--endpoint-server netty | --endpoint-server",
        "--endpoint-url ftp://x | endpointUrl",
        "--host | --host",
        "--wakeup | --wakeup",
        "--wakeup 10.0.0.0 | --wakeup: A network is written like 10.0.0.0/8",
        "--wakeup all | but was 'all'",
        "--wakeup 10.0.0.0/8, | but was ''",
        "--wakeup 10.0.0.0/40 | 0 to 32 bits",
        "--wakeup 10.1.2.3/8 | did you mean 10.0.0.0/8",
        "--wakeup 10.0.0.0/8,10.1.0.0/16 | overlap",
        "--wakeup 224.0.0.0/4 | no address of a single device",
      })
  void wrongOptionIsOneSentenceAndExitCode2(String options, String hint) {
    assertThat(run(Map.of(), options.split(" "))).isEqualTo(2);
    assertThat(errors.toString().strip()).contains(hint).hasLineCount(1).doesNotContain("secret");
  }

  @ParameterizedTest
  @CsvSource({
    "SIMPLEPUSH_PING_MIN, soon",
    "SIMPLEPUSH_PORT, abc",
    "SIMPLEPUSH_PORT, 70000",
    "SIMPLEPUSH_PORT, http://10.96.12.7:8080",
    "SIMPLEPUSH_DRAIN, tcp://10.96.12.7:8080",
    "SIMPLEPUSH_HELLO_TIMEOUT, 0s",
    "SIMPLEPUSH_ENDPOINT_URL, ftp://x",
    "SIMPLEPUSH_STORE, rocks:x",
    "SIMPLEPUSH_WAKEUP, 10.0.0.0",
    "SIMPLEPUSH_MAX_CONNECTIONS, 0",
    "SIMPLEPUSH_MAX_CONNECTIONS_PER_ADDRESS, x",
    "SIMPLEPUSH_MAX_CHANNELS, -5",
    "SIMPLEPUSH_NEW_CHANNELS_PER_MINUTE, 0",
    "SIMPLEPUSH_TRUSTED_PROXIES, 10.0.0.1",
    "SIMPLEPUSH_RATE_LIMIT, 7",
    "SIMPLEPUSH_ALLOW_ORIGIN, x",
  })
  void wrongValueInTheEnvironmentNamesTheVariable(String variable, String value) {
    assertThat(run(Map.of(variable, value))).isEqualTo(2);
    assertThat(errors.toString().strip()).startsWith(variable + ": ").hasLineCount(1);
  }

  @ParameterizedTest
  @CsvSource({
    "SIMPLEPUSH_PORT, tcp://10.96.12.7:8080",
    "SIMPLEPUSH_PORT, udp://[fd00::7]:8080",
    "SIMPLEPUSH_MANAGEMENT_PORT, sctp://10.96.12.7:8080",
    "SIMPLEPUSH_ENDPOINT_URL, ''",
    "SIMPLEPUSH_PORT, ''",
    "SIMPLEPUSH_TLS_CERT, ''",
    "SIMPLEPUSH_HELP, 1",
    "SIMPLEPUSH_VERSION, 1.2",
  })
  void whatIsInjectedOrEmptyIsNoSetting(String variable, String value) {
    assertThat(run(Map.of(variable, value), "--store", "none")).isEqualTo(2);
    assertThat(errors.toString()).startsWith("--store: ");
  }

  @Test
  void optionWinsOverEnvironment() {
    int exit = run(Map.of("SIMPLEPUSH_STORE", "memory"), "--store", "none");
    assertThat(exit).isEqualTo(2);
    assertThat(errors.toString()).startsWith("--store: ").contains("'none'");
  }

  @Test
  void storeThatCannotBeOpenedIsOneSentenceAndExitCode1(@TempDir Path folder) throws Exception {
    Path file = Files.writeString(folder.resolve("store.db"), "no database ".repeat(100));
    assertThat(run(Map.of(), "--store", "sqlite:" + file)).isEqualTo(1);
    assertThat(errors.toString().strip()).isEqualTo(file + " is not an SQLite database");
  }

  @Test
  void redisThatCannotBeReachedIsOneSentenceAndExitCode1() {
    assertThat(run(Map.of(), "--store", "redis://:secret@127.0.0.1:1/2")).isEqualTo(1);
    assertThat(errors.toString().strip())
        .startsWith("Redis at 127.0.0.1:1 cannot be reached: ")
        .hasLineCount(1)
        .doesNotContain("secret");
  }

  @Test
  void keyFileWithoutAKeyIsNamed(@TempDir Path folder) throws Exception {
    Path file = Files.writeString(folder.resolve("keys"), "not a key\n");
    assertThat(run(Map.of(), "--key-file", file.toString())).isEqualTo(2);
    assertThat(errors.toString()).contains("Line 1").contains(file.toString());
  }
}
