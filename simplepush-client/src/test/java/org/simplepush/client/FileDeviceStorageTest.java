package org.simplepush.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class FileDeviceStorageTest {
  @TempDir Path directory;

  private Path file;
  private DeviceStorage storage;

  @BeforeEach
  void open() {
    file = directory.resolve("device");
    storage = DeviceStorage.file(file);
  }

  @Test
  void returnsWhatWasSavedLast() throws IOException {
    assertThat(storage.load()).isNull();
    storage.save("one");
    storage.save("two ü");
    storage.release();
    assertThat(storage.load()).isEqualTo("two ü");
    storage.release();
    assertThat(DeviceStorage.file(file).load()).isEqualTo("two ü");
  }

  @Test
  void onlyTheUserCanReadIt() throws IOException {
    storage.load();
    Files.writeString(directory.resolve("device.new"), "left by somebody careless");
    storage.save("secret");
    try (var files = Files.list(directory)) {
      assertThat(files)
          .containsExactlyInAnyOrder(file, directory.resolve("device.lock"))
          .allSatisfy(
              path ->
                  assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
                      .isEqualTo("rw-------"));
    }
  }

  @Test
  void secondDeviceIsKeptAway() throws IOException {
    storage.load();
    DeviceStorage second = DeviceStorage.file(file);
    assertThatThrownBy(second::load).isInstanceOf(IOException.class).hasMessageContaining("used");
    assertThatThrownBy(storage::load).isInstanceOf(IOException.class);
    storage.release();
    assertThat(second.load()).isNull();
    second.release();
  }

  @Test
  void clientReleasesItsStorageWhenItIsClosedOrCannotStart() throws IOException {
    PushClient.Builder builder =
        PushClient.builder(URI.create("ws://127.0.0.1:1/")).storage(DeviceStorage.file(file));
    PushClient first = builder.build().start();
    PushClient second = builder.build();
    assertThatThrownBy(second::start).isInstanceOf(IOException.class);
    first.close();
    Files.writeString(file, "nonsense");
    assertThatThrownBy(second::start)
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("The device's state cannot be read from " + file + ": ")
        .hasMessageEndingWith("it is damaged, or no device's state");
    second.close();
    storage.load();
    storage.release();
  }

  @Test
  void whatKeepsAFileFromBeingReadIsSaidWithTheFile() throws IOException {
    Path nowhere = directory.resolve("missing").resolve("device");
    assertThatThrownBy(DeviceStorage.file(nowhere)::load)
        .isInstanceOf(IOException.class)
        .hasMessage("The folder %s of the device's state does not exist", nowhere.getParent());

    Files.createDirectory(file);
    assertThatThrownBy(storage::load)
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("The device's state cannot be read from " + file + ": ");
    storage.release();

    Files.delete(file);
    Files.write(file, new byte[] {(byte) 0xff, 0});
    assertThatThrownBy(storage::load)
        .isInstanceOf(IOException.class)
        .hasMessage("The device's state cannot be read from %s: it is not text", file);
    storage.release();
  }

  @Test
  void failedSaveKeepsTheOldState() throws IOException {
    storage.load();
    storage.save("old");
    Files.createDirectories(directory.resolve("device.new").resolve("in the way"));
    assertThatThrownBy(() -> storage.save("new")).isInstanceOf(IOException.class);
    storage.release();
    assertThat(storage.load()).isEqualTo("old");
  }

  /** Saves one state after another and says so. */
  static final class Saver {
    static final int SAVES = 20;

    public static void main(String[] args) throws IOException {
      DeviceStorage storage = DeviceStorage.file(Path.of(args[0]));
      storage.load();
      for (int number = 0; number < SAVES; number++) {
        storage.save("state " + number);
        System.out.println("saved " + number);
      }
    }
  }

  /** Killing a process cannot show whether this is so: the system still has what it wrote. */
  @Test
  @Tag("process")
  void everySavedStateWasForcedToTheDiskAndThenItsName() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/strace")), "needs strace");
    Path trace = Files.createDirectory(directory.resolve("trace")).resolve("calls");
    Path output = trace.resolveSibling("output");
    Process process =
        new ProcessBuilder(
                "/usr/bin/strace",
                "-f",
                "-y",
                "-qq",
                "-e",
                "trace=fsync,fdatasync,rename,renameat,renameat2,write",
                "-e",
                "signal=none",
                "-o",
                trace.toString(),
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Saver.class.getName(),
                file.toString())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    int exit = process.waitFor();
    String said = Files.readString(output);
    assumeFalse(said.contains("PTRACE"), "strace may not trace here");
    assertThat(exit).as(said).isZero();
    StringBuilder steps = new StringBuilder();
    for (String call : Files.readAllLines(trace)) {
      if (call.contains("sync(") && call.contains("device.new>")) {
        steps.append("state ");
      } else if (call.contains("rename") && call.contains("device.new")) {
        steps.append("rename ");
      } else if (call.contains("sync(") && call.contains("<" + directory + ">")) {
        steps.append("folder ");
      } else if (call.contains("write(") && call.contains("\"saved ")) {
        steps.append("saved ");
      }
    }
    assertThat(steps).hasToString("state rename folder saved ".repeat(Saver.SAVES));
  }

  /** Saves growing states as fast as it can, and says which are saved. */
  static final class Writer {
    public static void main(String[] args) throws IOException {
      DeviceStorage storage = DeviceStorage.file(Path.of(args[0]));
      String loaded = storage.load();
      int number = loaded == null ? 0 : Integer.parseInt(loaded.lines().findFirst().orElseThrow());
      while (true) {
        number++;
        storage.save(number + "\n" + "x".repeat(number % 100_000) + "\nend");
        System.out.println(number);
      }
    }
  }

  @Test
  @Timeout(180) // it starts five processes
  void killedProcessLosesNothingThatWasSaved() throws Exception {
    int last = 0;
    for (int round = 0; round < 5; round++) {
      Process writer =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-Xshare:auto",
                  "-XX:TieredStopAtLevel=1",
                  "-cp",
                  System.getProperty("java.class.path"),
                  Writer.class.getName(),
                  file.toString())
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      try (BufferedReader saved =
          new BufferedReader(
              new InputStreamReader(writer.getInputStream(), StandardCharsets.UTF_8))) {
        for (int i = 0; i < 20 + round; i++) {
          last = Integer.parseInt(saved.readLine());
        }
        assertThat(writer.toHandle().destroyForcibly()).isTrue(); // the stream stays open
        for (String line = saved.readLine(); line != null; line = saved.readLine()) {
          if (line.matches("\\d+")) { // the last one may be cut
            last = Math.max(last, Integer.parseInt(line));
          }
        }
      }
      assertThat(writer.waitFor(20, TimeUnit.SECONDS)).isTrue();
      String state = storage.load(); // the dead process holds no lock
      storage.release();
      assertThat(state).endsWith("\nend");
      int found = Integer.parseInt(state.lines().findFirst().orElseThrow());
      assertThat(found).isGreaterThanOrEqualTo(last);
      last = found;
    }
  }
}
