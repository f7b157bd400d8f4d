package org.simplepush.server;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noFields;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** Who may know whom. */
@AnalyzeClasses(
    packages = "org.simplepush.server",
    importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  /** The rules of the protocol, which are tested without sockets and threads. */
  private static final String RULES =
      ".*\\.(Session|SessionRegistry|Deliveries|PingLimit|RateLimit|EndpointHandler|EndpointTokens"
          + "|FrameGuard|UpgradeRequest|Sleepers|WakeUp|Network|ClientAddresses|AddressCounts)(\\$.*)?";

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
          .haveNameMatching(RULES)
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

  @ArchTest
  static final ArchRule rulesReadNoClock =
      noClasses()
          .that()
          .haveNameMatching(RULES)
          .should()
          .callMethod(System.class, "nanoTime")
          .orShould()
          .callMethod(System.class, "currentTimeMillis")
          .orShould()
          .callMethod(java.time.Instant.class, "now");

  @ArchTest
  static final ArchRule sessionKnowsNoTransport =
      noClasses()
          .that()
          .haveNameMatching(RULES)
          .should()
          .dependOnClassesThat()
          .haveSimpleNameStartingWith("Connection")
          .orShould()
          .dependOnClassesThat()
          .haveSimpleNameStartingWith("EventLoop")
          .orShould()
          .dependOnClassesThat()
          .haveSimpleNameEndingWith("Transport")
          .orShould()
          .dependOnClassesThat()
          .haveSimpleName("WebSocketServer");

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
          .resideInAnyPackage("io.lettuce..", "io.netty..", "org.simplepush.server.redis");

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
          .haveNameNotMatching(".*\\.(Connection|PushDraft|WebSocketServer)(\\$.*)?")
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
