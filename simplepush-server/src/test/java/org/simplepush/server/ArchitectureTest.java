package org.simplepush.server;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noFields;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** Who may know whom. */
@AnalyzeClasses(
    packages = "org.simplepush.server",
    importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  private static final String PUBLIC = "org.simplepush.server";
  private static final String COMMON = PUBLIC + ".internal";
  private static final String SESSION = COMMON + ".session";
  private static final String ENDPOINT = COMMON + ".endpoint";
  private static final String FRAMING = COMMON + ".framing";
  private static final String KEYS = COMMON + ".keys";
  private static final String WAKE_UP = COMMON + ".wakeup";
  private static final String NET = COMMON + ".net";
  private static final String HTTP = COMMON + ".http";
  private static final String NODE = COMMON + ".node";

  /** What can be tested without sockets and threads. */
  private static final String[] RULES = {COMMON, SESSION, ENDPOINT, FRAMING};

  /** The public package and what is below it meet in the server, its builder and the settings. */
  @ArchTest
  static final ArchRule arrowsGoOneWay =
      layeredArchitecture()
          .consideringOnlyDependenciesInAnyPackage(PUBLIC + "..")
          .layer("public")
          .definedBy(PUBLIC)
          .layer("optional")
          .definedBy(PUBLIC + ".jetty", PUBLIC + ".redis", PUBLIC + ".sqlite")
          .layer("node")
          .definedBy(NODE)
          .layer("http")
          .definedBy(HTTP)
          .layer("net")
          .definedBy(NET)
          .layer("framing")
          .definedBy(FRAMING)
          .layer("endpoint")
          .definedBy(ENDPOINT)
          .layer("wake-up")
          .definedBy(WAKE_UP)
          .layer("keys")
          .definedBy(KEYS)
          .layer("session")
          .definedBy(SESSION)
          .layer("common")
          .definedBy(COMMON)
          .whereLayer("optional")
          .mayNotBeAccessedByAnyLayer()
          .whereLayer("node")
          .mayOnlyBeAccessedByLayers("public")
          .whereLayer("http")
          .mayOnlyBeAccessedByLayers("node")
          .whereLayer("net")
          .mayOnlyBeAccessedByLayers("public", "node", "http")
          .whereLayer("framing")
          .mayOnlyBeAccessedByLayers("net")
          .whereLayer("endpoint")
          .mayOnlyBeAccessedByLayers("public", "node")
          .whereLayer("wake-up")
          .mayOnlyBeAccessedByLayers("node")
          .whereLayer("keys")
          .mayOnlyBeAccessedByLayers("public", "node")
          .whereLayer("session")
          .mayOnlyBeAccessedByLayers("public", "node", "net", "endpoint", "wake-up")
          .ensureAllClassesAreContainedInArchitecture();

  @ArchTest
  static final ArchRule packagesDependOnEachOtherInNoCircle =
      slices().matching(PUBLIC + ".(**)").should().beFreeOfCycles();

  /** Of the public types they know those that are handed in, and what they throw. */
  @ArchTest
  static final ArchRule partsDoNotKnowTheServerTheyAreIn =
      noClasses()
          .that()
          .resideInAPackage(COMMON + "..")
          .should()
          .dependOnClassesThat()
          .belongToAnyOf(
              PushServer.class,
              PushServerMetrics.class,
              EndpointServlet.class,
              EndpointKeys.class,
              WakeUp.class);

  @ArchTest
  static final ArchRule dependsOnNothingButWhatItsModuleNames =
      classes()
          .should()
          .onlyDependOnClassesThat(
              resideInAnyPackage(
                  "java..",
                  "javax.crypto..",
                  "javax.net..",
                  "com.sun.net.httpserver..",
                  "org.simplepush.core..",
                  "org.simplepush.server..",
                  "org.java_websocket..",
                  "org.cryptomator.siv..",
                  "org.slf4j..",
                  "org.jspecify..",
                  "jakarta.servlet..",
                  "org.eclipse.jetty..",
                  "io.lettuce.core..",
                  "io.netty.util..",
                  "reactor.core..",
                  "io.micrometer.core.."));

  @ArchTest
  static final ArchRule knowsNeitherDevicesNorApplicationServers =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.simplepush.client..", "org.simplepush.appserver..");

  @ArchTest
  static final ArchRule rulesKnowNoSocketsAndNoThreads =
      noClasses()
          .that()
          .resideInAnyPackage(RULES)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "java.nio.channels..", "javax.net..", "com.sun.net..", "org.java_websocket..")
          .orShould()
          .dependOnClassesThat()
          .haveNameMatching("java\\.net\\.(Server|Datagram|Multicast)?Socket.*")
          .orShould()
          .dependOnClassesThat()
          .areAssignableTo(Thread.class)
          .orShould()
          .dependOnClassesThat()
          .areAssignableTo(java.util.concurrent.ExecutorService.class)
          .orShould()
          .dependOnClassesThat()
          .areAssignableTo(java.util.Timer.class);

  /** The common package hands the clock of the system to what counts and throttles. */
  @ArchTest
  static final ArchRule rulesReadNoClock =
      noClasses()
          .that()
          .resideInAnyPackage(SESSION, ENDPOINT, FRAMING)
          .should()
          .accessTargetWhere(
              describe(
                  "it reads a clock",
                  access ->
                      access
                          .getTarget()
                          .getFullName()
                          .matches(
                              "java\\.lang\\.System\\.(nanoTime|currentTimeMillis)\\(\\)"
                                  + "|java\\.time\\.(Instant|Clock|InstantSource)"
                                  + "\\.(now|system\\w*)\\(.*")));

  @ArchTest
  static final ArchRule onlyTheServletKnowsServlets =
      noClasses()
          .that()
          .haveNameNotMatching(".*\\.EndpointServlet(\\$.*)?")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("jakarta.servlet..");

  @ArchTest
  static final ArchRule onlyItsPackageKnowsJetty =
      noClasses()
          .that()
          .resideOutsideOfPackage("org.simplepush.server.jetty")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.eclipse.jetty..", "org.simplepush.server.jetty");

  /**
   * Nodes have clocks of their own, which may differ: only that of Redis counts. The sweep compares
   * both, so that a clock that jumps drops nobody.
   */
  @ArchTest
  static final ArchRule theRedisStoreReadsNoWallClock =
      noClasses()
          .that()
          .resideInAPackage("org.simplepush.server.redis")
          .and()
          .doNotHaveSimpleName("Sweep")
          .should()
          .callMethod(System.class, "currentTimeMillis")
          .orShould()
          .dependOnClassesThat()
          .belongToAnyOf(
              java.time.Instant.class, java.time.Clock.class, java.time.InstantSource.class);

  @ArchTest
  static final ArchRule onlyItsPackageKnowsLettuce =
      noClasses()
          .that()
          .resideOutsideOfPackage("org.simplepush.server.redis")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.lettuce..", "io.netty..", "reactor..", "org.simplepush.server.redis");

  /** A user without the optional dependency must not meet it. */
  @ArchTest
  static final ArchRule onlyItsBindingKnowsMicrometer =
      noClasses()
          .that()
          .haveSimpleNameNotContaining("Metrics")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("io.micrometer..");

  @ArchTest
  static final ArchRule onlyTheConnectionLayerKnowsTheWebSocketEngine =
      noClasses()
          .that()
          .resideOutsideOfPackage(NET)
          .should()
          .dependOnClassesThat()
          .resideInAPackage("org.java_websocket..");

  /** Several servers may run in one process; they share nothing. */
  @ArchTest
  static final ArchRule nothingStaticChanges = noFields().that().areStatic().should().notBeFinal();

  @ArchTest
  static final ArchRule nothingWritesToTheConsole =
      noClasses()
          .should()
          .accessField(System.class, "out")
          .orShould()
          .accessField(System.class, "err");
}
