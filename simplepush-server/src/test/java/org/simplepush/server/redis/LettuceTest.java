package org.simplepush.server.redis;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.redisuser.RedisUser;

/** The store with other versions of Lettuce, without it, and on the module path. */
class LettuceTest {
  private static final String MODULES = "lettuce.core,io.netty.handler,io.netty.resolver.dns";

  private static RedisProcess redis;

  @BeforeAll
  static void startRedis() throws Exception {
    redis = RedisProcess.start();
  }

  @AfterAll
  static void stopRedis() throws Exception {
    redis.close();
  }

  private static List<String> classPath(Predicate<String> wanted) {
    return Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
        .filter(entry -> wanted.test(Path.of(entry).getFileName().toString()))
        .toList();
  }

  private static String join(List<String> entries) {
    return String.join(File.pathSeparator, entries);
  }

  private static String run(String uri, List<String> options) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    command.addAll(List.of(RedisUser.class.getName(), uri));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    return said;
  }

  private static List<String> older(String boot) throws Exception {
    List<String> jars;
    try (Stream<Path> files = Files.list(Path.of("target", "lettuce", boot))) {
      jars = new ArrayList<>(files.map(Path::toString).toList());
    }
    boolean bringsNetty = jars.stream().anyMatch(jar -> jar.contains("netty-"));
    jars.addAll(
        classPath(
            name ->
                !name.startsWith("lettuce-core") && !(bringsNetty && name.startsWith("netty-"))));
    return List.of("-cp", join(jars));
  }

  @ParameterizedTest
  @ValueSource(strings = {"boot-3.5", "boot-4.0", "boot-4.1"})
  void worksWithTheLettuceOfSpringBoot(String boot) throws Exception {
    assertThat(run(redis.uri(), older(boot))).contains("works");
    try (RedisProcess slow = RedisProcess.start("--requirepass", "secret")) {
      assertThat(run(slow.uri(":wrong@"), older(boot)))
          .contains("does not take the user or the password");
      assertThat(run(slow.uri(":secret@"), older(boot))).contains("works");
    }
  }

  @Test
  void worksOnAClusterWithTheOldestLettuce() throws Exception {
    try (RedisClusterProcesses cluster = RedisClusterProcesses.start()) {
      assertThat(run(cluster.uri(), older("boot-3.5"))).contains("works");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"lettuce-core", "netty-handler", "reactor-core"})
  void jarThatIsMissingIsASentence(String missing) throws Exception {
    List<String> rest = classPath(name -> !name.startsWith(missing));
    assertThat(run(redis.uri(), List.of("-cp", join(rest))).lines().toList())
        .last()
        .asString()
        .startsWith("RedisVersionStore needs Lettuce 6.6 or later")
        .contains("io.lettuce:lettuce-core", "lettuce.version", "is missing");
  }

  /** What the store needs, with our own classes as folders. */
  private static List<String> onModulePath(String modules) {
    return List.of(
        "-p",
        join(
            classPath(
                name ->
                    name.matches(
                        "classes|simplepush-core(?!.*-tests).*|(slf4j|Java-WebSocket|siv-mode|jackson-core"
                            + "|jspecify|lettuce|netty|reactor|reactive|redis-authx).*"))),
        "--add-modules",
        modules,
        "-cp",
        join(classPath(name -> name.equals("test-classes"))));
  }

  @Test
  void worksOnTheModulePathWithTheModulesOfLettuce() throws Exception {
    assertThat(run(redis.uri(), onModulePath("org.simplepush.server," + MODULES)))
        .contains("works");
  }

  @Test
  void modulesThatAreMissingAreASentence() throws Exception {
    assertThat(run(redis.uri(), onModulePath("org.simplepush.server")))
        .contains("--add-modules " + MODULES);
  }
}
