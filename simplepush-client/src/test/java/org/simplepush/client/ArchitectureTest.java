package org.simplepush.client;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.Socket;
import java.time.Clock;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ThreadFactory;

@AnalyzeClasses(
    packages = "org.simplepush.client",
    importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  private static final String DEVICE = "org.simplepush.client.internal.device..";
  private static final String CONNECTION = "org.simplepush.client.internal.connection..";
  private static final String NET = "org.simplepush.client.internal.net..";
  private static final String RUN = "org.simplepush.client.internal.run..";
  private static final String PUBLIC = "org.simplepush.client";
  private static final String COMMON = "org.simplepush.client.internal";

  @ArchTest
  static final ArchRule dependsOnCoreAndOkHttpOnly =
      classes()
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              "org.simplepush.client..",
              "org.simplepush.core..",
              "okhttp3..",
              "okio..",
              "java..",
              "javax.net.ssl..",
              "org.slf4j..",
              "org.jspecify..");

  @ArchTest
  static final ArchRule arrowsGoOneWay =
      layeredArchitecture()
          .consideringOnlyDependenciesInAnyPackage("org.simplepush.client..")
          .layer("public")
          .definedBy(PUBLIC)
          .layer("device")
          .definedBy(DEVICE)
          .layer("net")
          .definedBy(NET)
          .layer("connection")
          .definedBy(CONNECTION)
          .layer("run")
          .definedBy(RUN)
          .layer("common")
          .definedBy(COMMON)
          .whereLayer("public")
          .mayNotBeAccessedByAnyLayer()
          .whereLayer("device")
          .mayOnlyBeAccessedByLayers("public")
          .whereLayer("net")
          .mayOnlyBeAccessedByLayers("public")
          .whereLayer("connection")
          .mayOnlyBeAccessedByLayers("public", "device", "net")
          .whereLayer("run")
          .mayOnlyBeAccessedByLayers("public", "device", "net", "connection")
          .ensureAllClassesAreContainedInArchitecture();

  @ArchTest
  static final ArchRule packagesDependOnEachOtherInNoCircle =
      slices().matching("org.simplepush.(**)").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule onlyTheSocketsAndTheBuilderKnowOkHttp =
      noClasses()
          .that()
          .resideOutsideOfPackages(PUBLIC, NET)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("okhttp3..", "okio..");

  /** What runs their tasks and keeps their timers is handed in. */
  @ArchTest
  static final ArchRule theRulesKnowNoSocketsNoThreadsAndNoClocks =
      noClasses()
          .that()
          .resideInAnyPackage(DEVICE, CONNECTION)
          .should()
          .callMethod(System.class, "nanoTime")
          .orShould()
          .callMethod(System.class, "currentTimeMillis")
          .orShould()
          .dependOnClassesThat()
          .resideInAnyPackage("java.nio.channels..", "java.nio.file..", "javax.net..")
          .orShould()
          .dependOnClassesThat()
          .belongToAnyOf(
              Socket.class,
              DatagramSocket.class,
              InetAddress.class,
              Clock.class,
              ExecutorService.class,
              ThreadFactory.class,
              CompletableFuture.class);
}
