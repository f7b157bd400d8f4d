package org.simplepush.examples.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The Java code in README.md stands, to the letter, in a file that the build compiles. */
class ReadmeTest {
  private static final Path ROOT = Path.of("..", "..");

  private static final Pattern SNIPPET =
      Pattern.compile("<!-- from (\\S+): (\\S+) -->\n```java\n(.*?)```", Pattern.DOTALL);

  @Test
  void everyJavaSnippetIsCompiled() throws IOException {
    String readme = Files.readString(ROOT.resolve("README.md"));
    List<MatchResult> snippets = SNIPPET.matcher(readme).results().toList();
    long fences = readme.lines().filter(line -> line.equals("```java")).count();
    assertThat(snippets).as("snippets that name their file").hasSize((int) fences).isNotEmpty();
    for (MatchResult snippet : snippets) {
      assertThat(source(snippet.group(1), snippet.group(2))).contains(snippet.group(3));
    }
  }

  private static String source(String module, String file) throws IOException {
    try (Stream<Path> files = Files.walk(ROOT.resolve(module).resolve("src"))) {
      Path found = files.filter(path -> path.endsWith(file)).findFirst().orElseThrow();
      return Files.readString(found);
    }
  }
}
