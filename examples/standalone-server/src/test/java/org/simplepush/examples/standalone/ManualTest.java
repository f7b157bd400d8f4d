package org.simplepush.examples.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.simplepush.server.PushServer;
import org.simplepush.server.PushServerMetrics;
import picocli.CommandLine.Model.OptionSpec;

/** The operator's manual lists the options and metrics that there are, and no others. */
class ManualTest {
  private static final Path MANUAL = Path.of("README.md");

  private static Set<String> all(Pattern pattern, String text) {
    Set<String> found = new TreeSet<>();
    for (Matcher matcher = pattern.matcher(text); matcher.find(); ) {
      found.add(matcher.group(1));
    }
    return found;
  }

  @Test
  void optionsAreThoseOfTheTable() throws Exception {
    Set<String> options = new TreeSet<>();
    for (OptionSpec option : StandaloneServer.commandLine(Map.of()).getCommandSpec().options()) {
      if (!option.usageHelp() && !option.versionHelp()) {
        String value = option.arity().max() == 0 ? "" : " " + option.paramLabel();
        options.add(option.longestName() + value);
      }
    }
    String manual = Files.readString(MANUAL).replace("\\|", "|");
    assertThat(all(Pattern.compile("(?m)^\\| `(--[^`]+)` \\|"), manual)).isEqualTo(options);
  }

  @Test
  void metricsAreThoseOfTheTable() throws Exception {
    PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    try (PushServer server = PushServer.builder().port(0).endpointPort(0).build()) {
      new PushServerMetrics(server).bindTo(registry);
      Set<String> metrics = all(Pattern.compile("(?m)^# HELP (\\S+) "), registry.scrape());
      assertThat(all(Pattern.compile("`(simplepush_[a-z_]+[a-z])(?:\\{[a-z]+})?`"), table()))
          .isEqualTo(metrics);
    }
  }

  /** Returns the table of metrics. */
  private static String table() throws Exception {
    String manual = Files.readString(MANUAL);
    return manual.substring(
        manual.indexOf("| metric | meaning |"), manual.indexOf("**Watch these:**"));
  }
}
