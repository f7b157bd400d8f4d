package org.simplepush.examples.standalone;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * The environment variables that stand for options: {@code SIMPLEPUSH_PING_MIN} for {@code
 * --ping-min}. An empty value means unset. What Kubernetes injects into every container beside a
 * Service called simplepush is no setting of ours and is passed over.
 */
final class Environment implements IDefaultValueProvider {
  private static final String PREFIX = "SIMPLEPUSH_";

  /** Variables that logback.xml reads. */
  private static final Set<String> NO_OPTIONS = Set.of("SIMPLEPUSH_LOG_LEVEL");

  /** Injected under names that no option has. */
  private static final Pattern INJECTED =
      Pattern.compile(
          "SIMPLEPUSH_(.+_)?(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT_\\d+_(TCP|UDP|SCTP)(_.+)?)");

  /** Injected under the name of the option for a port. */
  private static final Pattern INJECTED_PORT = Pattern.compile("(tcp|udp|sctp)://.*");

  /** What is set, by name, without what is empty or injected. */
  private final Map<String, String> variables = new TreeMap<>();

  private final List<String> injectedPorts = new ArrayList<>();

  Environment(Map<String, String> all) {
    new TreeMap<>(all)
        .forEach(
            (name, value) -> {
              if (!name.startsWith(PREFIX)
                  || value.isBlank()
                  || NO_OPTIONS.contains(name)
                  || INJECTED.matcher(name).matches()) {
                return;
              }
              if (name.endsWith("_PORT") && INJECTED_PORT.matcher(value).matches()) {
                injectedPorts.add(name);
              } else {
                variables.put(name, value);
              }
            });
  }

  @Override
  public @Nullable String defaultValue(ArgSpec argument) {
    String name = nameOf(argument);
    return name == null ? null : variables.get(name);
  }

  /** Returns the variable that gives this option its value, or null if none is set. */
  @Nullable String variableFor(ArgSpec argument) {
    String name = nameOf(argument);
    return name != null && variables.containsKey(name) ? name : null;
  }

  /** Returns a sentence for each variable that looks like a setting and is none. */
  List<String> warnings(CommandSpec command) {
    Set<String> known = new HashSet<>();
    for (OptionSpec option : command.options()) {
      String name = nameOf(option);
      if (name != null) {
        known.add(name);
      }
    }
    List<String> warnings = new ArrayList<>();
    for (String name : variables.keySet()) {
      if (!known.contains(name)) {
        warnings.add(
            "The environment variable %s stands for no option and is ignored; --help lists the options"
                .formatted(name));
      }
    }
    for (String name : injectedPorts) {
      warnings.add(
          "The environment variable %s is not a port but what Kubernetes injects for a Service of"
                  .formatted(name)
              + " that name, and is ignored; rename the Service or set enableServiceLinks to false");
    }
    return warnings;
  }

  /** Null for arguments that a variable cannot stand for: those without a value, such as --help. */
  private static @Nullable String nameOf(ArgSpec argument) {
    if (!(argument instanceof OptionSpec option)
        || option.usageHelp()
        || option.versionHelp()
        || !option.longestName().startsWith("--")) {
      return null;
    }
    return PREFIX + option.longestName().substring(2).replace('-', '_').toUpperCase(Locale.ROOT);
  }
}
