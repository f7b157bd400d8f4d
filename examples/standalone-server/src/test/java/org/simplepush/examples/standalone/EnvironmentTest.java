package org.simplepush.examples.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

class EnvironmentTest {
  private static final OptionSpec PORT = OptionSpec.builder("--port").type(int.class).build();
  private static final OptionSpec URL = OptionSpec.builder("--endpoint-url").build();
  private static final CommandSpec COMMAND = CommandSpec.create().addOption(PORT).addOption(URL);

  private static List<String> warnings(Map<String, String> variables) {
    return new Environment(variables).warnings(COMMAND);
  }

  @Test
  void variableStandsForTheOptionOfItsName() {
    Environment environment =
        new Environment(Map.of("SIMPLEPUSH_PORT", "9", "SIMPLEPUSH_ENDPOINT_URL", "http://x"));
    assertThat(environment.defaultValue(PORT)).isEqualTo("9");
    assertThat(environment.variableFor(URL)).isEqualTo("SIMPLEPUSH_ENDPOINT_URL");
    assertThat(environment.warnings(COMMAND)).isEmpty();
  }

  @Test
  void whatKubernetesInjectsUnderNoOptionsNameIsPassedOverInSilence() {
    assertThat(
            warnings(
                Map.of(
                    "SIMPLEPUSH_SERVICE_HOST", "10.96.12.7",
                    "SIMPLEPUSH_SERVICE_PORT", "8080",
                    "SIMPLEPUSH_SERVICE_PORT_WS", "8080",
                    "SIMPLEPUSH_PORT_8080_TCP", "tcp://10.96.12.7:8080",
                    "SIMPLEPUSH_PORT_8080_TCP_ADDR", "10.96.12.7",
                    "SIMPLEPUSH_REDIS_SERVICE_HOST", "10.96.12.8",
                    "SIMPLEPUSH_REDIS_PORT_6379_UDP_PROTO", "udp")))
        .isEmpty();
  }

  @Test
  void injectedPortIsPassedOverWithOneWarning() {
    Map<String, String> variables = Map.of("SIMPLEPUSH_PORT", "tcp://10.96.12.7:8080");
    assertThat(new Environment(variables).defaultValue(PORT)).isNull();
    assertThat(warnings(variables))
        .singleElement()
        .asString()
        .contains("SIMPLEPUSH_PORT", "Kubernetes");
  }

  @Test
  void variableOfNoOptionIsWarnedOf() {
    assertThat(warnings(Map.of("SIMPLEPUSH_PROT", "9")))
        .singleElement()
        .asString()
        .contains("SIMPLEPUSH_PROT", "no option");
    assertThat(warnings(Map.of("SIMPLEPUSH_LOG_LEVEL", "DEBUG", "PATH", "/bin"))).isEmpty();
  }

  @Test
  void emptyValueMeansUnset() {
    Environment environment = new Environment(Map.of("SIMPLEPUSH_ENDPOINT_URL", " "));
    assertThat(environment.defaultValue(URL)).isNull();
    assertThat(environment.variableFor(URL)).isNull();
  }
}
