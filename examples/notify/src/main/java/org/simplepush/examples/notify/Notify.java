package org.simplepush.examples.notify;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.simplepush.appserver.Notifier;
import org.simplepush.appserver.Verdict;
import org.simplepush.examples.cli.CommandLines;
import org.simplepush.examples.cli.JarVersion;
import org.simplepush.examples.cli.Range;
import org.simplepush.examples.cli.StatusLine;
import org.simplepush.examples.cli.Terminal;
import org.simplepush.examples.cli.TerminalWidth;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Publishes a version to endpoints from the command line, one or a million. */
@Command(
    name = "notify",
    versionProvider = JarVersion.class,
    sortOptions = false,
    description = "Publishes a version to endpoints, one or a million.",
    footer = {
      "",
      "Exit code: 0 if every endpoint accepted the version, 1 if not, 2 if the options are wrong.",
      "Endpoints are secrets: with --file they do not show in the list of processes."
    })
public final class Notify implements Callable<Integer> {
  /** How many verdicts are waited for at a time when the server picks the versions. */
  private static final int WINDOW = 8192;

  private static final int MAX_CONCURRENCY = 10_000;

  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "ENDPOINT", description = "Where to PUT the version.")
  private List<String> endpoints = new ArrayList<>();

  @Option(
      names = "--version",
      paramLabel = "N",
      description = "The version, 0 to 2^63-1. Without it each push server picks the next one.")
  private @Nullable Long version;

  @Option(
      names = "--file",
      paramLabel = "PATH",
      description = "Read endpoints from there too, one a line; - is standard input.")
  private @Nullable Path file;

  @Option(
      names = "--allow-host",
      paramLabel = "H",
      description =
          "Let endpoints on this host through unchecked: http, any port, any address. Repeatable.")
  private List<String> allowedHosts = new ArrayList<>();

  @Option(
      names = "--allow-port",
      paramLabel = "N",
      description = "Let endpoints use this port besides 443. Repeatable.")
  private List<Integer> allowedPorts = new ArrayList<>();

  @Option(
      names = "--concurrency",
      paramLabel = "N",
      defaultValue = "64",
      description = "The most requests at a time to one host. Default ${DEFAULT-VALUE}.")
  private int concurrency;

  @Option(
      names = "--deadline",
      paramLabel = "S",
      defaultValue = "300",
      description = "For how many seconds an endpoint is tried again. Default ${DEFAULT-VALUE}.")
  private int deadline;

  @Option(names = "--verbose", description = "Print each endpoint, in full, with its verdict.")
  private boolean verbose;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Print this and exit.")
  @SuppressWarnings("UnusedVariable") // picocli acts on it
  private boolean help;

  @Option(
      names = "--program-version",
      versionHelp = true,
      description = "Print which version this program is and exit.")
  @SuppressWarnings("UnusedVariable") // picocli acts on it
  private boolean programVersion;

  private final @Nullable StatusLine terminal;
  private final InputStream standardInput;
  private final Tally tally = new Tally();

  /**
   * Creates a command.
   *
   * @param terminal where to show progress, or null
   */
  private Notify(@Nullable StatusLine terminal, InputStream standardInput) {
    this.terminal = terminal;
    this.standardInput = standardInput;
  }

  /** Notifies and ends the process with the exit code. */
  public static void main(String[] args) {
    StatusLine terminal =
        Terminal.isPresent()
            ? new StatusLine(System.err, new TerminalWidth(System.getenv("COLUMNS")))
            : null;
    System.exit(commandLine(terminal, System.in).execute(args));
  }

  static CommandLine commandLine(@Nullable StatusLine terminal, InputStream standardInput) {
    CommandLine commandLine = CommandLines.of(new Notify(terminal, standardInput));
    commandLine.setExpandAtFiles(false);
    return commandLine;
  }

  @Override
  public Integer call() throws Exception {
    Notifier.Builder builder = notifier();
    List<URI> given = given();
    if (given.isEmpty() && file == null) {
      throw wrong("Give endpoints, or a file of them with --file");
    }
    Progress progress = new Progress(verbose ? null : terminal, total(given), System::nanoTime);
    long began = System.nanoTime();
    boolean complete;
    try (InputStream text = open();
        Notifier notifier = builder.build()) {
      Iterator<URI> all =
          Stream.concat(given.stream(), Endpoints.read(text, tally::addUnreadable)).iterator();
      complete = send(notifier, () -> all, progress);
    }
    progress.end();
    PrintWriter out = spec.commandLine().getOut();
    out.print(tally.table(Duration.ofNanos(System.nanoTime() - began)));
    out.flush();
    return complete && tally.notAccepted() == 0
        ? CommandLine.ExitCode.OK
        : CommandLine.ExitCode.SOFTWARE;
  }

  /** Returns whether all endpoints could be read. */
  private boolean send(Notifier notifier, Iterable<URI> all, Progress progress)
      throws InterruptedException {
    try {
      if (version != null) {
        notifier
            .publishAll(all, version, (endpoint, verdict) -> heard(endpoint, verdict, progress))
            .get();
      } else {
        sendWithoutVersion(notifier, all, progress);
      }
      return true;
    } catch (ExecutionException | UncheckedIOException e) {
      spec.commandLine().getErr().println("The endpoints could not be read to the end: " + why(e));
      return false;
    }
  }

  private static String why(Throwable failure) {
    Throwable cause = failure;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    return String.valueOf(cause.getMessage());
  }

  @SuppressWarnings("FutureReturnValueIgnored") // a verdict is no exception; room waits for all
  private void sendWithoutVersion(Notifier notifier, Iterable<URI> all, Progress progress)
      throws InterruptedException {
    Semaphore room = new Semaphore(WINDOW);
    try {
      for (URI endpoint : all) {
        room.acquire();
        notifier
            .publish(endpoint)
            .thenAccept(verdict -> heard(endpoint, verdict, progress))
            .whenComplete((done, failure) -> room.release());
      }
    } finally {
      room.acquire(WINDOW); // all verdicts are in
    }
  }

  private synchronized void heard(URI endpoint, Verdict verdict, Progress progress) {
    tally.add(verdict);
    progress.update(tally.done(), tally.notAccepted());
    if (verbose) {
      spec.commandLine().getOut().println(Tally.word(verdict) + " " + endpoint);
    }
  }

  private Notifier.Builder notifier() {
    Range.check(spec, "--concurrency", concurrency, 1, MAX_CONCURRENCY);
    if (version != null && version < 0) {
      throw wrong("--version must be 0 to 2^63-1, but was " + version);
    }
    try {
      Notifier.Builder builder =
          Notifier.builder()
              .deadline(Duration.ofSeconds(deadline))
              .maxPerHost(concurrency)
              // Hosts that are new or failing share half of them.
              .maxConcurrent(Math.max(256, 2 * concurrency));
      allowedHosts.forEach(builder::permitHost);
      allowedPorts.forEach(builder::permitPort);
      return builder;
    } catch (IllegalArgumentException e) {
      throw wrong(String.valueOf(e.getMessage()));
    }
  }

  private List<URI> given() {
    List<URI> given = new ArrayList<>();
    for (String endpoint : endpoints) {
      try {
        given.add(new URI(endpoint));
      } catch (URISyntaxException e) {
        throw wrong("ENDPOINT %d is not a URL".formatted(given.size() + 1));
      }
    }
    return given;
  }

  private boolean isStandardInput() {
    return file != null && file.toString().equals("-");
  }

  private InputStream open() {
    if (file == null) {
      return InputStream.nullInputStream();
    }
    if (isStandardInput()) {
      return standardInput;
    }
    try {
      return Files.newInputStream(file);
    } catch (IOException e) {
      throw wrong("--file cannot be read: " + e);
    }
  }

  /** How many endpoints there are; -1 if that is not known beforehand, or nobody asks. */
  private long total(List<URI> given) throws IOException {
    if (file == null) {
      return given.size();
    }
    if (terminal == null || isStandardInput() || !Files.isRegularFile(file)) {
      return -1;
    }
    try (InputStream text = Files.newInputStream(file)) {
      return given.size() + Endpoints.lines(text).count();
    }
  }

  private ParameterException wrong(String sentence) {
    return CommandLines.wrong(spec, sentence);
  }
}
