package org.simplepush.core;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.TimeUnit.MINUTES;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.code_intelligence.jazzer.mutation.annotation.NotNull;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Text that Jazzer starts from, and what it has found, is kept beside this class's resources and
 * tried in every build. To search for more: {@code mvn test -Pfuzz -pl simplepush-core}.
 */
class MessageCodecFuzzTest {
  private final MessageCodec codec = new MessageCodec();

  @Tag("fuzz")
  @FuzzTest(maxDuration = "2m")
  @Timeout(value = 5, unit = MINUTES)
  void anyTextIsReadOrRefused(byte @NotNull [] text) {
    CodecProperties.check(codec, new String(text, UTF_8));
  }

  static List<Path> keptInputs() throws Exception {
    Path inputs =
        Path.of(
            MessageCodecFuzzTest.class
                .getResource("MessageCodecFuzzTestInputs/anyTextIsReadOrRefused")
                .toURI());
    try (Stream<Path> files = Files.list(inputs)) {
      return files.sorted().toList();
    }
  }

  @ParameterizedTest
  @MethodSource("keptInputs")
  @Timeout(20)
  void keptInputIsReadOrRefused(Path input) throws IOException {
    CodecProperties.check(codec, new String(Files.readAllBytes(input), UTF_8));
  }
}
