package org.simplepush.examples.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each type that users of the libraries see says since which version it is there. */
class SinceTest {
  private static final Path ROOT = Path.of("..", "..").toAbsolutePath().normalize();

  private static final Pattern PUBLIC_TYPE = Pattern.compile("^public ", Pattern.MULTILINE);

  private static final Pattern SINCE =
      Pattern.compile("^ \\* @since \\d+\\.\\d+$", Pattern.MULTILINE);

  /** The least number of types shows that the folder is the right one. */
  @ParameterizedTest
  @CsvSource({
    "simplepush-core/src/main/java, 10",
    "simplepush-server/src/main/java, 10",
    "simplepush-client/src/main/java, 10",
    "simplepush-appserver/src/main/java, 10",
    "simplepush-core/src/test/java/org/simplepush/core, 2",
    "simplepush-server/src/test/java/org/simplepush/server/testing, 3"
  })
  void isSaidOfEachPublicType(String folder, int least) throws IOException {
    try (Stream<Path> files = Files.walk(ROOT.resolve(folder))) {
      List<Path> types = files.filter(SinceTest::isPublicType).toList();
      assertThat(types).hasSizeGreaterThanOrEqualTo(least);
      assertThat(types).allSatisfy(type -> assertThat(read(type)).containsPattern(SINCE));
    }
  }

  /** What is in a package that is not exported is no user's, nor is a test unless published. */
  private static boolean isPublicType(Path file) {
    String name = file.toString();
    boolean isOfUsers =
        name.contains("/src/main/") || name.contains("/testing/") || name.endsWith("Contract.java");
    return isOfUsers
        && name.endsWith(".java")
        && !name.contains("/internal/")
        && PUBLIC_TYPE.matcher(read(file)).find();
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
