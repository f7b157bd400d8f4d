package org.simplepush.client;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

@AnalyzeClasses(
    packages = "org.simplepush.client",
    importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
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
  static final ArchRule onlyTheTransportAndTheBuilderKnowOkHttp =
      noClasses()
          .that()
          .doNotHaveSimpleName("PushClient")
          .and()
          .haveSimpleNameNotEndingWith("Builder")
          .and()
          .haveSimpleNameNotStartingWith("OkHttp")
          .and()
          .haveSimpleNameNotEndingWith("Listener")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("okhttp3..", "okio..");

  @ArchTest
  static final ArchRule theRulesKnowNoClocksAndNoThreads =
      noClasses()
          .that()
          .haveSimpleName("Device")
          .or()
          .haveSimpleName("Connector")
          .or()
          .haveSimpleName("Slumber")
          .or()
          .haveSimpleName("Inbox")
          .or()
          .haveSimpleName("Journal")
          .or()
          .haveSimpleName("DeviceState")
          .or()
          .haveSimpleName("Deadlines")
          .should()
          .callMethod(System.class, "nanoTime")
          .orShould()
          .callMethod(System.class, "currentTimeMillis")
          .orShould()
          .dependOnClassesThat()
          .haveSimpleName("ScheduledExecutorService");
}
