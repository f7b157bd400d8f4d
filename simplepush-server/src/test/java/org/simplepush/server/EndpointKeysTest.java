package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.server.fixtures.LoggedMessages;
import org.simplepush.server.internal.keys.KeyFile;

@Timeout(60)
class EndpointKeysTest {
  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void nameTheFile() {
    file = folder.resolve("endpoint.keys");
  }

  private static String line(int seed) {
    byte[] key = new byte[EndpointKeys.KEY_LENGTH];
    Arrays.fill(key, (byte) seed);
    return Base64.getEncoder().encodeToString(key);
  }

  @Test
  void fileIsMadeForItsOwnerOnlyAndReadTheSameAgain() throws IOException {
    KeyFile.create(file);
    EndpointKeys made = EndpointKeys.load(file);
    assertThat(made.keys()).hasSize(1);
    assertThat(made.keys().get(0)).hasSize(EndpointKeys.KEY_LENGTH);
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
    assertThat(EndpointKeys.load(file).keys()).containsExactly(made.keys().get(0));
    try (var files = Files.list(folder)) {
      assertThat(files).containsExactly(file); // nothing is left beside it
    }
  }

  @Test
  void twoFilesGetDifferentKeys() throws IOException {
    Path other = folder.resolve("other");
    KeyFile.create(file);
    KeyFile.create(other);
    assertThat(EndpointKeys.load(other).keys().get(0))
        .isNotEqualTo(EndpointKeys.load(file).keys().get(0));
  }

  @Test
  void missingFileIsSaidToBeMissingAndNotMade() {
    assertThatThrownBy(() -> EndpointKeys.load(file))
        .isInstanceOf(EndpointKeysException.class)
        .hasMessage("The key file %s does not exist", file);
    assertThat(file).doesNotExist();
  }

  /** As an editor on Windows saves it. */
  @Test
  void fileMayBeginWithAByteOrderMarkAndHaveTheLineEndsOfWindows() throws IOException {
    Files.writeString(file, "\uFEFF" + line(2) + "\r\n# old\r\n\r\n" + line(1) + "\r\n");
    List<byte[]> keys = EndpointKeys.load(file).keys();
    assertThat(keys).hasSize(2);
    assertThat(keys.get(0)).containsOnly(2);
    assertThat(keys.get(1)).containsOnly(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"rw-r--r--", "rw-----w-"})
  void fileThatOthersHaveIsReadWithOneWarning(String mode) throws IOException {
    Files.writeString(file, line(1) + "\n");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
    try (LoggedMessages logged = LoggedMessages.of(KeyFile.class)) {
      assertThat(EndpointKeys.load(file).keys()).hasSize(1);
      assertThat(logged.warnings())
          .containsExactly(
              "The key file %s has mode %s, but is secret; set its mode to 600 (rw-------)"
                  .formatted(file, mode));
    }
  }

  /** Which secrets that a cluster mounts have. */
  @ParameterizedTest
  @ValueSource(strings = {"rw-------", "r--------", "r--r-----"})
  void fileThatOthersDoNotHaveIsReadWithoutAWarning(String mode) throws IOException {
    Files.writeString(file, line(1) + "\n");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
    try (LoggedMessages logged = LoggedMessages.of(KeyFile.class)) {
      assertThat(EndpointKeys.load(file).keys()).hasSize(1);
      assertThat(logged.warnings()).isEmpty();
    }
  }

  @Test
  void commentsAndEmptyLinesArePassedOverAndTheOrderKept() throws IOException {
    Files.writeString(
        file, "# new\n\n  " + line(2) + " \r\n\n#" + line(9) + "\n   # old\n" + line(1));
    List<byte[]> keys = EndpointKeys.load(file).keys();
    assertThat(keys).hasSize(2);
    assertThat(keys.get(0)).containsOnly(2);
    assertThat(keys.get(1)).containsOnly(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"x", "not base 64 at all", "AAAA", "!!!!"})
  void badLineIsNamedByItsNumberAndNotQuoted(String bad) throws IOException {
    Files.writeString(file, "# keys\n" + line(1) + "\n\n" + bad + "\n");
    assertThatThrownBy(() -> EndpointKeys.load(file))
        .isInstanceOf(IOException.class)
        .hasMessage(
            "Line 4 of the key file %s is not a key, which is 64 bytes in Base64 (88 characters)",
            file);
  }

  /** Such as 64 bytes of /dev/urandom. */
  @Test
  void fileOfBytesIsRefusedWithWhatItShouldBe() throws IOException {
    Files.write(file, new byte[] {(byte) 0xff, 0});
    assertThatThrownBy(() -> EndpointKeys.load(file))
        .isInstanceOf(IOException.class)
        .hasMessage("The key file %s is not text; it holds keys in Base64, one a line", file);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "\n", "# only a comment\n"})
  void fileWithoutAKeyIsRefusedAndLeftAlone(String text) throws IOException {
    Files.writeString(file, text);
    assertThatThrownBy(() -> EndpointKeys.load(file))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("holds no key");
    assertThat(file).hasContent(text);
  }

  @Test
  void fileThatIsAFolderOrInNoFolderIsRefused() {
    assertThatThrownBy(() -> EndpointKeys.load(folder))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("The key file " + folder + " cannot be read");
    Path nowhere = folder.resolve("no/such");
    assertThatThrownBy(() -> KeyFile.create(nowhere.resolve("keys")))
        .isInstanceOf(IOException.class)
        .hasMessage("The key file's folder " + nowhere + " does not exist");
  }

  @Test
  void ofManyThatMakeTheFileTogetherAllHaveTheSameKey() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      for (int round = 0; round < 50; round++) {
        Path shared = folder.resolve("keys-" + round);
        CyclicBarrier start = new CyclicBarrier(4);
        List<CompletableFuture<String>> all = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
          all.add(
              CompletableFuture.supplyAsync(
                  () -> {
                    try {
                      start.await(20, TimeUnit.SECONDS);
                      KeyFile.create(shared);
                      byte[] key = EndpointKeys.load(shared).keys().get(0);
                      return Base64.getEncoder().encodeToString(key);
                    } catch (Exception e) {
                      throw new IllegalStateException(e);
                    }
                  },
                  threads));
        }
        Set<String> seen = new HashSet<>();
        for (CompletableFuture<String> each : all) {
          seen.add(each.get(20, TimeUnit.SECONDS));
        }
        assertThat(seen).hasSize(1);
      }
    } finally {
      threads.shutdownNow();
    }
  }

  /** What one of two processes does. */
  static final class Loader {
    public static void main(String[] arguments) throws IOException {
      KeyFile.create(Path.of(arguments[0]));
      byte[] key = EndpointKeys.load(Path.of(arguments[0])).keys().get(0);
      System.out.println(Base64.getEncoder().encodeToString(key));
    }
  }

  @Test
  void twoProcessesThatMakeTheFileTogetherHaveTheSameKey() throws Exception {
    List<Process> processes = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      processes.add(
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-cp",
                  System.getProperty(
                      "surefire.test.class.path", System.getProperty("java.class.path")),
                  Loader.class.getName(),
                  file.toString())
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start());
    }
    Set<String> seen = new HashSet<>();
    for (Process process : processes) {
      seen.add(new String(process.getInputStream().readAllBytes()).strip());
      assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).isZero();
    }
    assertThat(seen).hasSize(1).allMatch(key -> key.length() == 88);
  }

  @Test
  void keysHandedInAreCheckedAndCopied() {
    assertThatIllegalArgumentException().isThrownBy(() -> EndpointKeys.of(List.of()));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> EndpointKeys.of(List.of(new byte[32])))
        .withMessage("An endpoint key is 64 bytes, but one of 32 was given");
    byte[] mine = new byte[EndpointKeys.KEY_LENGTH];
    EndpointKeys keys = EndpointKeys.of(List.of(mine));
    mine[0] = 1;
    assertThat(keys.keys().get(0)).containsOnly(0);
  }

  @Test
  void keysSayNothingOfThemselves() {
    assertThat(EndpointKeys.ephemeral()).hasToString("EndpointKeys[1]");
    assertThat(EndpointKeys.ephemeral().keys().get(0))
        .isNotEqualTo(EndpointKeys.ephemeral().keys().get(0));
  }
}
