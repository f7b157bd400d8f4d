package org.simplepush.server.redis;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;
import redis.embedded.RedisExecProvider;

/**
 * A redis-server of our own on loopback, which can be killed and started again. It is the one that
 * {@code -Dredis.server=} names, which may be one of Valkey, or that of a package.
 */
public final class RedisProcess implements AutoCloseable {
  private static final List<String> PROGRAM = List.of(program());
  private static final int FIRST_PORT = 10_000;
  private static final int LAST_PORT = 32_000;

  private final List<String> program;
  private final String host;
  private final Path folder;
  private final List<String> options;
  private final int port;
  private Process process;

  private RedisProcess(
      List<String> program, String host, Path folder, int port, List<String> options) {
    this.program = program;
    this.host = host;
    this.folder = folder;
    this.port = port;
    this.options = options;
  }

  private static String program() {
    String named = System.getProperty("redis.server");
    if (named != null) {
      return named;
    }
    try {
      return RedisExecProvider.defaultProvider().get().getPath();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Starts a server that keeps nothing on the disk, unless these options say otherwise. */
  public static RedisProcess start(String... options) throws IOException, InterruptedException {
    return start(PROGRAM, "127.0.0.1", options);
  }

  /** The same with the program in a network namespace, at an address of that. */
  static RedisProcess startIn(String namespace, String host, String... options)
      throws IOException, InterruptedException {
    List<String> program = new ArrayList<>(List.of("ip", "netns", "exec", namespace));
    program.addAll(PROGRAM);
    return start(program, host, options);
  }

  static RedisProcess start(List<String> program, String host, String... options)
      throws IOException, InterruptedException {
    Path folder = Files.createTempDirectory("simplepush-redis");
    List<String> all = new ArrayList<>(List.of("--save", ""));
    all.addAll(List.of(options));
    while (true) {
      RedisProcess redis = new RedisProcess(program, host, folder, anyPort(), all);
      if (redis.tryToRun()) {
        return redis;
      }
    }
  }

  /**
   * A free port that the system gives to nobody who asks for any, so that a server that was killed
   * finds it free when it starts again. Another may be told the same before it is used; then one
   * tries again.
   */
  static int anyPort() throws IOException {
    while (true) {
      int port = ThreadLocalRandom.current().nextInt(FIRST_PORT, LAST_PORT);
      try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
        return socket.getLocalPort();
      } catch (BindException e) {
        // It is taken: try another.
      }
    }
  }

  /** Starts the server; false if its port is taken. */
  private boolean tryToRun() throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(program);
    if (options.contains("--sentinel")) {
      Path configuration = folder.resolve("sentinel.conf");
      Files.write(configuration, List.of());
      command.add(configuration.toString());
    }
    command.addAll(
        List.of("--port", String.valueOf(port), "--bind", host, "--dir", folder.toString()));
    command.addAll(options);
    process = new ProcessBuilder(command).redirectErrorStream(true).start();
    BufferedReader log =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    StringBuilder said = new StringBuilder();
    String line;
    while ((line = log.readLine()) != null) {
      said.append(line).append('\n');
      if (line.contains("eady to accept connections") || line.contains("Sentinel ID is")) {
        Thread pump = new Thread(() -> readToTheEnd(log), "redis-log");
        pump.setDaemon(true);
        pump.start();
        return true;
      }
    }
    process.waitFor();
    if (said.indexOf("bind") >= 0 || said.indexOf("in use") >= 0) {
      return false;
    }
    throw new IOException("redis-server did not start:\n" + said);
  }

  /** Or Redis would wait for somebody to read what it says. */
  private static void readToTheEnd(BufferedReader log) {
    try (log) {
      while (log.readLine() != null) {}
    } catch (IOException e) {
      // It was killed: that is its end, too.
    }
  }

  public int port() {
    return port;
  }

  /** With as long to answer as a busy machine may need. */
  public String uri() {
    return uri("");
  }

  /**
   * The same as a user.
   *
   * @param login empty, or with an {@code @} at the end
   */
  String uri(String login) {
    return "redis://" + login + host + ":" + port + "?timeout=20s";
  }

  /** Makes the user of the operator's manual, allowed more as well; returns its login in a URI. */
  String allowDocumentedUser(String... more) throws IOException {
    List<String> words = new ArrayList<>(documentedUser());
    words.addAll(List.of(more));
    assertThat(ask(words.toArray(String[]::new))).isEqualTo("+OK");
    return "simplepush:PASSWORD@";
  }

  /** The parts of the line in the operator's manual that makes the user of a store. */
  static List<String> documentedUser() throws IOException {
    return Files.readAllLines(Path.of("../examples/standalone-server/README.md")).stream()
        .map(String::strip)
        .filter(line -> line.startsWith("ACL SETUSER simplepush "))
        .map(line -> List.of(line.split(" ")))
        .findFirst()
        .orElseThrow();
  }

  /** Ends it as a power failure of the process would. */
  public void kill() {
    process.destroyForcibly().onExit().join();
  }

  /** The file that everything is appended to, with {@code appendonly yes}. */
  private Path appendOnlyFile() throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files
          .filter(
              file -> file.getFileName().toString().matches("appendonly\\.aof(.*\\.incr\\.aof)?"))
          .filter(Files::isRegularFile)
          .findFirst()
          .orElseThrow();
    }
  }

  /** How long that file is. What was answered is in it, if not on the disk. */
  long appended() throws IOException {
    return Files.size(appendOnlyFile());
  }

  /** Kills it, and has it lose all that was appended later, as a failure of its machine would. */
  void crash(long appended) throws IOException {
    kill();
    try (FileChannel file = FileChannel.open(appendOnlyFile(), StandardOpenOption.WRITE)) {
      file.truncate(appended);
    }
  }

  /** Starts it again where it was. */
  public void restart() throws IOException, InterruptedException {
    if (!tryToRun()) {
      throw new IOException("Port " + port + " was taken meanwhile");
    }
  }

  /** Stops it from doing anything, or lets it go on. */
  public void signal(String signal) throws IOException, InterruptedException {
    new ProcessBuilder("kill", "-" + signal, String.valueOf(process.pid())).start().waitFor();
  }

  /** Asks for something; returns the first line of the answer, or what is in it. */
  public String ask(String... words) throws IOException {
    return askAs("", words);
  }

  /** The same with a password. */
  String askAs(String password, String... words) throws IOException {
    try (Socket socket = new Socket(host, port)) {
      socket.setSoTimeout(20_000);
      OutputStream out = socket.getOutputStream();
      BufferedReader in =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1));
      if (!password.isEmpty()) {
        out.write(request("AUTH", password));
        assertThat(in.readLine()).isEqualTo("+OK");
      }
      out.write(request(words));
      String first = in.readLine();
      if (first == null || !first.startsWith("$") || first.equals("$-1")) {
        return first;
      }
      char[] text = new char[Integer.parseInt(first.substring(1))];
      int read = 0;
      while (read < text.length) {
        int more = in.read(text, read, text.length - read);
        if (more < 0) {
          throw new IOException("The answer broke off");
        }
        read += more;
      }
      return new String(text);
    }
  }

  private static byte[] request(String... words) {
    StringBuilder request = new StringBuilder("*" + words.length + "\r\n");
    for (String word : words) {
      request.append('$').append(word.length()).append("\r\n").append(word).append("\r\n");
    }
    return request.toString().getBytes(StandardCharsets.ISO_8859_1);
  }

  @Override
  public void close() throws IOException {
    kill();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
