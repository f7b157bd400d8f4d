package org.simplepush.examples.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The Java code in each Markdown document of the project is, to the letter, in a file that the
 * build compiles, and each link leads somewhere.
 */
class DocumentsTest {
  private static final Path ROOT = Path.of("..", "..").toAbsolutePath().normalize();

  /** What a build writes, and what no reader opens. */
  private static final Set<String> OTHER_FOLDERS = Set.of("target", "src", ".git");

  private static final Pattern SNIPPET =
      Pattern.compile("<!-- from (\\S+): (\\S+) -->\n```java\n(.*?)```", Pattern.DOTALL);

  private static final Pattern CODE = Pattern.compile("```.*?```|`[^`\n]*`", Pattern.DOTALL);

  private static final Pattern LINK = Pattern.compile("\\]\\(([^)\\s]+)\\)");

  private static final Pattern HEADING = Pattern.compile("^#+ (.+)$", Pattern.MULTILINE);

  private static List<Path> documents;

  @BeforeAll
  static void findDocuments() throws IOException {
    List<Path> found = new ArrayList<>();
    Files.walkFileTree(
        ROOT,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
            return OTHER_FOLDERS.contains(folder.getFileName().toString())
                ? FileVisitResult.SKIP_SUBTREE
                : FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            if (file.toString().endsWith(".md")) {
              found.add(ROOT.relativize(file));
            }
            return FileVisitResult.CONTINUE;
          }
        });
    documents = found;
  }

  static Stream<Path> documents() {
    return documents.stream();
  }

  @Test
  void everyModuleHasADocumentForItsUser() {
    assertThat(documents)
        .contains(
            Path.of("README.md"),
            Path.of("CONTRIBUTING.md"),
            Path.of("simplepush-core", "README.md"),
            Path.of("simplepush-server", "README.md"),
            Path.of("simplepush-client", "README.md"),
            Path.of("simplepush-appserver", "README.md"),
            Path.of("examples", "standalone-server", "README.md"),
            Path.of("examples", "benchmarks", "README.md"));
  }

  @Test
  void theFirstDocumentIsShort() throws IOException {
    assertThat(Files.readString(ROOT.resolve("README.md")).split("\\s+")).hasSizeLessThan(750);
  }

  @ParameterizedTest
  @MethodSource("documents")
  void everyJavaSnippetIsCompiled(Path document) throws IOException {
    String text = Files.readString(ROOT.resolve(document));
    List<MatchResult> snippets = SNIPPET.matcher(text).results().toList();
    long fences = text.lines().filter(line -> line.strip().equals("```java")).count();
    assertThat(snippets).as("snippets that name their file").hasSize((int) fences);
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

  @ParameterizedTest
  @MethodSource("documents")
  void everyLinkLeadsSomewhere(Path document) throws IOException {
    String text = CODE.matcher(Files.readString(ROOT.resolve(document))).replaceAll("");
    for (MatchResult match : LINK.matcher(text).results().toList()) {
      String link = match.group(1);
      if (link.contains("://")) {
        continue; // another site
      }
      String[] parts = link.split("#", 2);
      Path target =
          parts[0].isEmpty()
              ? ROOT.resolve(document)
              : ROOT.resolve(document).resolveSibling(parts[0]);
      assertThat(target).as(link).exists();
      if (parts.length > 1) {
        assertThat(anchors(target)).as(link).contains(parts[1]);
      }
    }
  }

  /** Returns what GitHub calls the headings of a document. */
  private static Set<String> anchors(Path document) throws IOException {
    return HEADING
        .matcher(Files.readString(document))
        .results()
        .map(heading -> heading.group(1).strip().toLowerCase(Locale.ROOT))
        .map(heading -> heading.replaceAll("[^\\p{L}\\p{N} _-]", "").replace(' ', '-'))
        .collect(Collectors.toSet());
  }
}
